#!/usr/bin/python3
"""test_tracers.py VMSCOPE: what other tracers than LTTng, and other processors than x86, call things; as TAP.

Traces of one CPU, written here in CTF 1.8: as `perf data convert --to-ctf` names the kernel's events.
"""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import tap  # noqa: E402 pylint: disable=wrong-import-position
import tiny  # noqa: E402 pylint: disable=wrong-import-position

VMSCOPE = sys.argv[1]
VCPU, HOG = ("CPU 2/KVM", 31), ("hog", 40)
IDLE = ("swapper/0", 0)


def results(events, *queries):
    return tiny.results(VMSCOPE, {"host": events}, [], *queries)


def switch(us, prev, state, nxt):
    return us, "sched:sched_switch", {"prev_comm": prev[0], "prev_pid": prev[1], "prev_state": state,
                                      "next_comm": nxt[0], "next_pid": nxt[1]}


def woken(us, thread):
    return us, "sched:sched_wakeup", {"comm": thread[0], "pid": thread[1], "target_cpu": 0}


STATES = "SELECT state, ts % 1000000000 / 1000 AS us, exit_name FROM vcpu_state ORDER BY ts"
VCPUS = "SELECT vcpu_index, host_tid FROM vcpu"


def states(rows):
    return [(r["us"], r["state"], r["exit_name"]) for r in rows]


def test_perf_on_intel():
    entry = ("kvm:kvm_entry", {"vcpu_id": 2, "rip": 0})
    rows, vcpus, cpu = results(
        [switch(10, IDLE, 0, VCPU), (20, *entry),
         (30, "kvm:kvm_exit", {"exit_reason": 12, "guest_rip": 5, "isa": 1}),
         switch(40, VCPU, 1, IDLE), woken(50, VCPU), switch(60, IDLE, 0, VCPU), (70, *entry),
         (80, "irq_vectors:local_timer_entry", {"vector": 236}),
         (85, "irq_vectors:local_timer_exit", {"vector": 236}),
         (90, "kvm:kvm_exit", {"exit_reason": 1, "guest_rip": 5, "isa": 1}),
         switch(100, VCPU, 0, HOG), (110, "raw_syscalls:sys_enter", {"id": 0}),
         (120, "raw_syscalls:sys_exit", {"id": 0, "ret": 0}),
         (130, "syscalls:sys_enter_write", {"fd": 1}), (140, "syscalls:sys_exit_write", {"ret": 1}),
         switch(150, HOG, 1, VCPU), (160, *entry),
         (170, "kvm:kvm_exit", {"exit_reason": 10, "guest_rip": 5, "isa": 1})],
        STATES, VCPUS,
        "SELECT state, ts % 1000000000 / 1000 AS us FROM cpu_state ORDER BY ts")
    assert vcpus == [{"vcpu_index": 2, "host_tid": 31}], vcpus
    assert states(rows) == [
        (10, "unknown", None), (20, "guest", None), (30, "polling", "HLT"), (40, "halted", "HLT"),
        (50, "waiting", "HLT"), (60, "hypervisor", "HLT"), (70, "guest", None),
        (80, "hypervisor", "EXTERNAL_INTERRUPT"), (100, "preempted", "EXTERNAL_INTERRUPT"),
        (150, "hypervisor", "EXTERNAL_INTERRUPT"), (160, "guest", None),
        (170, "hypervisor", "CPUID")], states(rows)
    for us, state in (80, "irq"), (110, "syscall"), (120, "user"), (130, "syscall"), (140, "user"):
        assert {"state": state, "us": us} in cpu, (us, state, cpu)


def test_perf_on_arm64():
    entry = ("kvm:kvm_entry", {"vcpu_pc": 4096})

    def left(us, ret, esr_ec):
        return us, "kvm:kvm_exit", {"ret": ret, "esr_ec": esr_ec, "vcpu_pc": 4096}

    rows, vcpus, exits = results(
        [switch(10, IDLE, 0, VCPU), (20, *entry), left(30, 2, 0x24), (40, *entry), left(50, 0, 0),
         (60, *entry), left(70, 2, 0x01), switch(80, VCPU, 1, IDLE), switch(90, IDLE, 0, VCPU),
         (100, *entry), left(110, 1, 0), (120, *entry)],
        STATES, VCPUS, "SELECT reason, name, rip FROM vm_exit ORDER BY ts")
    assert vcpus == [{"vcpu_index": 2, "host_tid": 31}], vcpus
    assert [(e["name"], e["rip"]) for e in exits] == [
        ("DABT_LOW", 4096), ("IRQ", 4096), ("WFX", 4096), ("EL1_SERROR", 4096)], exits
    assert (80, "halted", "WFX") in states(rows), states(rows)
    # Before Linux 5.0 the same fields had other names.
    exits, = results(
        [switch(10, IDLE, 0, VCPU), (20, *entry),
         (30, "kvm:kvm_exit", {"idx": 2, "exit_reason": 1, "vcpu_pc": 4096}), switch(40, VCPU, 1, IDLE), switch(50, IDLE, 0, VCPU),
         (60, *entry), (70, "kvm:kvm_exit", {"idx": 0, "exit_reason": 0, "vcpu_pc": 4096}), (80, *entry)],
        "SELECT name, isa, blocked_ns FROM vm_exit ORDER BY ts")
    assert exits == [{"name": "WFX", "isa": 3, "blocked_ns": 10000}, {"name": "IRQ", "isa": 3, "blocked_ns": 0}], exits


EXITS = "SELECT reason, isa, name, count(*) AS n FROM vm_exit GROUP BY reason, isa, name ORDER BY min(ts)"
WORD = "SELECT severity, count, detail FROM diag WHERE name = 'exit-reason-unknown'"


def test_risc_v():
    """The kernel's kvm_exit has the registers of the trap; an interrupt's cause has its topmost bit set, of 64 or 32."""
    def left(us, scause, stval=0):
        return us, "kvm:kvm_exit", {"sepc": 8192, "scause": scause, "stval": stval, "htval": 0, "htinst": 0}

    entry = ("kvm:kvm_entry", {"pc": 8192})
    rows, exits, word, rips = results(
        [switch(10, IDLE, 0, VCPU), (20, *entry), left(30, -2**63 + 5), (40, *entry), left(50, 23), (60, *entry), left(70, 10),
         (80, *entry), left(90, 22, 0x10500073), switch(95, VCPU, 1, IDLE), switch(98, IDLE, 0, VCPU), (100, *entry),
         left(110, 22), switch(115, VCPU, 1, IDLE), switch(118, IDLE, 0, VCPU), (120, *entry), left(130, 2**31 + 9),
         (140, *entry), left(150, 30), (160, *entry)],
        STATES, EXITS, WORD, "SELECT DISTINCT rip FROM vm_exit")
    assert [(e["name"], e["isa"]) for e in exits] == [
        ("IRQ_S_TIMER", 4), ("STORE_GUEST_PAGE_FAULT", 4), ("SUPERVISOR_SYSCALL", 4), ("WFI", 4), ("VIRTUAL_INST_FAULT", 4),
        ("IRQ_S_EXT", 4), ("exit 30", 4)], exits
    assert [us for us, state, _ in states(rows) if state == "halted"] == [95, 115], states(rows)
    assert word == [{"severity": "warning", "count": 1, "detail": "30 of RISC-V, 1 time"}], word
    assert rips == [{"rip": 8192}], rips


def test_s390():
    def at(us, event, **more):
        return us, "kvm:kvm_s390_sie_" + event, {"id": 2, "pswmask": 1, "pswaddr": 4096, **more}

    thread = ("CPU 0/KVM", 31)
    rows, vcpus, exits, word = results(
        [switch(10, IDLE, 0, thread), at(20, "enter", cpuflags=0), at(30, "exit", icptcode=4), at(40, "enter", cpuflags=0),
         at(50, "exit", icptcode=0x1c), switch(60, thread, 1, IDLE), switch(70, IDLE, 0, thread), at(80, "enter", cpuflags=0),
         at(90, "exit", icptcode=0), at(100, "enter", cpuflags=0)],
        STATES, VCPUS, EXITS, WORD)
    assert vcpus == [{"vcpu_index": 2, "host_tid": 31}], vcpus
    assert [(e["reason"], e["name"], e["isa"]) for e in exits] == [
        (4, "INST", 5), (0x1c, "WAIT", 5), (0, "HOST_INTERRUPTION", 5)], exits
    assert (60, "halted", "WAIT") in states(rows) and not word, (states(rows), word)


def of_intel(reasons, name="kvm:kvm_exit"):
    """Each twice."""
    events, us = [switch(10, IDLE, 0, VCPU)], 10
    for reason in reasons * 2:
        events += [(us + 10, "kvm:kvm_entry", {"vcpu_id": 2}),
                   (us + 20, name, {"exit_reason": reason, "guest_rip": 5, "isa": 1, "info1": 0, "info2": 0})]
        us += 20
    return events


def test_only_the_upper_bits_of_an_intel_reason_are_flags():
    for name in "kvm:kvm_exit", "kvm_x86_exit", "kvm_exit":
        exits, word = results(
            of_intel([1, 0x80000021, 1 << 28 | 12, 1 << 26 | 1, 1 << 27 | 48, 131072, 327680, 65, 1 << 26 | 400], name), EXITS, WORD)
        assert [(e["name"], e["n"]) for e in exits] == [
            ("EXTERNAL_INTERRUPT", 2), ("INVALID_STATE (entry failed)", 2), ("HLT (MTF pending)", 2),
            ("EXTERNAL_INTERRUPT (bus lock)", 2), ("EPT_VIOLATION (in enclave)", 2), ("exit 131072", 2),
            ("exit 327680", 2), ("exit 65", 2), ("exit 400 (bus lock)", 2)], exits
        assert word == [{"severity": "warning", "count": 8, "detail":
                         "65 of VMX, 2 times; 131072 of VMX, 2 times; 327680 of VMX, 2 times; 400 of VMX, 2 times"}], word


def test_a_reason_that_is_not_recorded_is_none():
    rows, exits, word = results(
        [switch(10, IDLE, 0, VCPU), (20, "kvm:kvm_entry", {"vcpu_id": 2}), (30, "kvm:kvm_exit", {"pc": 1}),
         switch(40, VCPU, 1, IDLE), switch(50, IDLE, 0, VCPU), (60, "kvm:kvm_entry", {"vcpu_id": 2})],
        STATES, EXITS, WORD)
    assert exits == [{"reason": None, "isa": None, "name": None, "n": 1}], exits
    assert (40, "unknown", None) in states(rows), states(rows)
    assert [(w["count"], w["detail"]) for w in word] == [(1, "not recorded, 1 time")], word


ABOUT = "SELECT name, detail, detail_value AS value FROM vm_exit ORDER BY ts"


def about(names, switches=True, tid=None):
    """Exits of AMD and Intel, and what KVM says before the next entry. names: how the tracer calls an event."""
    more = {} if tid is None else {"common_pid": tid}
    events, us = [switch(10, IDLE, 0, VCPU)] if switches else [], 10

    def exit_(isa, reason, *told, info1=0, info2=0):
        nonlocal us
        events.append((us + 10, names("kvm_entry"), {**more, "vcpu_id": 2}))
        events.append((us + 20, names("kvm_exit"), {**more, "exit_reason": reason, "guest_rip": 5, "isa": isa, "info1": info1,
                                                   "info2": info2, "intr_info": 0x800000ec}))
        for i, (name, fields) in enumerate(told):
            events.append((us + 21 + i, names(name), {**more, **fields}))
        us += 30

    exit_(1, 32, ("kvm_apic", {"rw": 1, "reg": 0x300, "val": 1}), ("kvm_msr", {"write": 1, "ecx": 0x830, "data": 9, "exception": 0}))
    exit_(1, 31, ("kvm_msr", {"write": 0, "ecx": 0x345, "data": 9, "exception": 0}))
    exit_(1, 30, info1=0x03f80000)
    exit_(2, 0x7b, ("kvm_pio", {"rw": 0, "port": 0x71, "size": 1, "count": 1, "val": 3}))
    exit_(1, 48, ("kvm_page_fault", {"fault_address": 0xfebf3014, "error_code": 2}),
          ("kvm_mmio", {"type": 2, "len": 4, "gpa": 0xfebf3014, "val": 1}))
    exit_(1, 48, ("kvm_page_fault", {"fault_address": 0x12345000, "error_code": 2}))
    exit_(2, 0x400, info1=6, info2=0x23456000)
    exit_(1, 49, ("kvm_fast_mmio", {"gpa": 0xfe003000}))
    exit_(2, 0x81, ("kvm_hypercall", {"nr": 5, "a0": 0, "a1": 1, "a2": 0, "a3": 0}))
    exit_(1, 10, ("kvm_cpuid", {"function": 7, "rax": 0, "rbx": 0, "rcx": 0, "rdx": 0}))
    exit_(2, 0x7c, ("kvm_nested_vmexit_inject", {"exit_code": 0x7c}))
    exit_(1, 1)
    exit_(1, 12)
    events.append((us + 10, names("kvm_entry"), {**more, "vcpu_id": 2}))
    return events


TOLD = [("MSR_WRITE", "msr-write X2APIC_ICR", 0x830), ("MSR_READ", "msr-read PERF_CAPABILITIES", 0x345),
        ("IO_INSTRUCTION", "port-out 0x3f8", 0x3f8), ("IOIO", "port-in 0x71", 0x71),
        ("EPT_VIOLATION", "mmio-write 0xfebf3014", 0xfebf3014), ("EPT_VIOLATION", "page-fault", 0x12345000),
        ("NPF", "page-fault", 0x23456000), ("EPT_MISCONFIG", "mmio-write 0xfe003000", 0xfe003000),
        ("VMMCALL", "hypercall KICK_CPU", 5), ("CPUID", "cpuid 0x7", 7), ("MSR", "nested", None),
        ("EXTERNAL_INTERRUPT", "vector 236", 236), ("HLT", None, None)]


def test_what_exits_are_about():
    """As perf names events, as trace-cmd's conversion does, as LTTng 2.8 and later, as LTTng before."""
    for names in "kvm:{}".format, "kvm/{}".format, lambda n: n if n == "kvm_mmio" else n.replace("kvm_", "kvm_x86_", 1), str:
        rows, = results(about(names), ABOUT)
        assert [tuple(r.values()) for r in rows] == TOLD, rows


def test_what_exits_are_about_without_the_scheduler():
    """`perf kvm stat record`: nobody is on the CPU after an exit, by our word, but each event names its thread."""
    rows, = results(about("kvm:{}".format, switches=False, tid=31), ABOUT)
    assert [tuple(r.values()) for r in rows] == TOLD, rows


def test_exits_are_added_up_by_what_they_are_about():
    """Each exit is 20 us long, of which nothing is known without the scheduler."""
    query = "SELECT exits, total_ns, cost_ns, mean_ns, max_ns FROM exit_detail_summary WHERE detail = 'page-fault'"
    whole = {"exits": 2, "total_ns": 40000, "mean_ns": 20000, "max_ns": 20000}
    for switches, cost in (True, 40000), (False, None):
        rows, = results(about("kvm:{}".format, switches, tid=31), query)
        assert rows == [{**whole, "cost_ns": cost}], rows


def test_what_a_guest_sleeps_costs_nothing():
    """The halt is 1000 us long, the other exits 30; the order is by cost."""
    entry = ("kvm:kvm_entry", {"vcpu_id": 2})
    def left(us, reason):
        return us, "kvm:kvm_exit", {"exit_reason": reason, "guest_rip": 5, "isa": 1, "info1": 0, "info2": 0}
    rows, = results(
        [switch(10, IDLE, 0, VCPU), (20, *entry), left(30, 12), switch(40, VCPU, 1, IDLE), woken(1000, VCPU),
         switch(1010, IDLE, 0, VCPU), (1030, *entry), left(1040, 10), (1070, *entry)],
        "SELECT name, total_ns, cost_ns FROM exit_summary")
    assert [tuple(r.values()) for r in rows] == [("CPUID", 30000, 30000), ("HLT", 1000000, 20000)], rows


def test_memory_for_details_is_bounded():
    """4,096 numbers are named, the others go by their kind; each keeps its number."""
    events, us = [switch(10, IDLE, 0, VCPU)], 10
    for i in range(5000):
        events += [(us + 1, "kvm:kvm_entry", {"vcpu_id": 2}),
                   (us + 2, "kvm:kvm_exit", {"exit_reason": 49, "guest_rip": 5, "isa": 1}),
                   (us + 3, "kvm:kvm_mmio", {"type": 2, "gpa": 0x1000 * i})]
        us += 3
    rows, values = results(events + [(us + 1, "kvm:kvm_entry", {"vcpu_id": 2})],
                           "SELECT detail IS 'mmio-write' AS plain, count(DISTINCT detail) AS texts, count(*) AS n FROM vm_exit "
                           "GROUP BY 1 ORDER BY 1",
                           "SELECT count(DISTINCT detail_value) AS n, max(detail_value) AS last FROM vm_exit")
    assert rows == [{"plain": 0, "texts": 4096, "n": 4096}, {"plain": 1, "texts": 1, "n": 904}], rows
    assert values == [{"n": 5000, "last": 0x1000 * 4999}], values


tap.run(globals())
