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
        (10, "unknown", None), (20, "guest", None), (30, "hypervisor", "HLT"), (40, "halted", "HLT"),
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


tap.run(globals())
