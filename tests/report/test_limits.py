#!/usr/bin/python3
"""test_limits.py VMSCOPE SAMPLES: `vmscope check --limit`, against a run whose numbers are known; as TAP."""
import json
import pathlib
import subprocess
import sys
import tempfile
import xml.etree.ElementTree

HERE = pathlib.Path(__file__).resolve().parent
sys.path += [str(HERE.parent), str(HERE.parent / "analyze")]
import tap  # noqa: E402 pylint: disable=wrong-import-position
import tiny  # noqa: E402 pylint: disable=wrong-import-position

VMSCOPE, SAMPLES = sys.argv[1:3]
VCPU, HOG, IDLE = ("CPU 0/KVM", 31), ("hog", 40), ("swapper/0", 0)


def switch(us, prev, state, nxt):
    return us, "sched:sched_switch", {"prev_comm": prev[0], "prev_pid": prev[1], "prev_state": state,
                                      "next_comm": nxt[0], "next_pid": nxt[1]}


def entry(us):
    return us, "kvm:kvm_entry", {"vcpu_id": 0, "rip": 0}


def left(us, reason):
    return us, "kvm:kvm_exit", {"exit_reason": reason, "guest_rip": 5, "isa": 1}


HLT, INTERRUPT, CPUID = 12, 1, 10
# 1 ms: 570 us in the guest, 100 us without a CPU, 270 us halted, 10 us unknown, the rest for exits.
EVENTS = [
    switch(10, IDLE, 0, VCPU), entry(20),
    left(420, HLT), switch(430, VCPU, 1, IDLE),
    (700, "sched:sched_wakeup", {"comm": VCPU[0], "pid": VCPU[1], "target_cpu": 0}),
    switch(710, IDLE, 0, VCPU), entry(720),
    left(800, INTERRUPT), switch(810, VCPU, 0, HOG), switch(900, HOG, 1, VCPU), entry(910),
    left(960, CPUID), entry(970), left(1010, CPUID)]

directory = tempfile.TemporaryDirectory()


def run(*args):
    done = subprocess.run([VMSCOPE, *map(str, args)], text=True, timeout=60, check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    return done.returncode, done.stdout, done.stderr


def analyzed(name, events):
    trace, vms = f"{directory.name}/{name}", f"{directory.name}/{name}.vms"
    pathlib.Path(trace).mkdir()
    tiny.write_trace(trace, events)
    assert run("analyze", "-o", vms, trace)[0] == 0
    return vms


FILE = analyzed("host", EVENTS)
KVM_ONLY = analyzed("kvm", [(us, name, {**fields, "perf_tid": 31, "perf_pid": 30})
                             for us, name, fields in EVENTS if name.startswith("kvm:")])
VM, = (m["name"] for m in json.loads(run("report", "--format", "json", FILE)[1])["machines"] if m["role"] == "guest")


def check(file, *limits, options=()):
    """limits: what follows the VM's name. Return: the status, and the verdicts as they stand in JSON."""
    args = [a for limit in limits for a in ("--limit", limit)]
    status, out, err = run("check", file, "--format", "json", *options, *args)
    assert err == "", err
    out = json.loads(out)
    assert [out[k] for k in ("broken", "unknown", "kept")] == \
        [sum(v["verdict"] == k for v in out["limits"]) for k in ("broken", "unknown", "kept")]
    return status, out["limits"]


def one(metric, file=FILE, options=()):
    status, (verdict,) = check(file, f"{VM if file == FILE else '*'} {metric}", options=options)
    assert status == {"kept": 0, "broken": 1, "unknown": 2}[verdict["verdict"]], verdict
    return verdict["verdict"]


def test_shares_and_times_by_number():
    for metric, us in ("run", 570), ("ready", 100), ("steal", 100), ("idle", 270), ("blocked", 0), ("throttled", 0):
        low, high = us / 10, us / 10 + 1  # percent; what is unknown may have been that, too
        assert one(f"{metric} < {low - 0.01:.4f}%") == "broken" if low else True, metric
        assert one(f"{metric} < {high + 0.01:.4f}%") == "kept", metric
        assert one(f"{metric} < {low + 0.5:.4f} %") == "unknown", metric
        assert one(f"{metric} >= {high + 0.01:.4f}%") == "broken", metric
        assert one(f"{metric} <= {us + 11}us") == "kept" and one(f"{metric} > {us + 11}us") == "broken", metric
        assert one(f"{metric} >= {us * 1000 - 1 if us else 0} ns") == "kept", metric
        _, (v,) = check(FILE, f"{VM} {metric} < 1s")
        assert v["value"] == us * 1000 and v["value_at_most"] == us * 1000 + 10000, v
        assert (v["bound"], v["unit"], v["comparator"]) == (1e9, "ns", "<"), v
    assert one("unknown <= 1.00001%") == "kept" and one("unknown < 0.99%") == "broken"
    assert one("exit <= 6.1%") == "kept" and one("poll < 3.1%") == "kept"


def test_exits_by_number():
    for metric, verdict in (
            ("exits.count <= 4", "kept"), ("exits.count < 4", "broken"), ("EXITS.COUNT(*) <= 4", "kept"),
            ("exits.count(CPUID) > 1", "kept"), ("exits.count(cpuid) > 2", "broken"),
            ("exits.max(EXTERNAL_INTERRUPT) <= 110us", "kept"), ("exits.max(EXTERNAL_INTERRUPT) < 110us", "broken"),
            ("exits.mean <= 140us", "kept"), ("exits.mean < 139.9us", "broken"),
            ("exits.p50 < 0.112ms", "kept"), ("exits.p50 < 110us", "broken"),
            ("exits.p99(CPUID) < 10.1us", "kept"), ("exits.p99(CPUID) < 10us", "broken"),
            ("exits.rate > 4040/s", "kept"), ("exits.rate > 4041/s", "broken"),
            ("exits.rate(HLT) <= 1010.2 /s", "kept"), ("exits.rate(HLT) <= 1010 /s", "broken"),
            # It is the name of an exit, and there was none.
            ("exits.count(EPT_VIOLATION) < 1", "kept"), ("exits.p99(NPF) < 1ns", "kept"),
            ("exits.count(NFP) < 1", "unknown")):
        assert one(metric) == verdict, metric


def test_what_was_not_recorded_cannot_be_found_out():
    assert one("wakeup.p99 < 1s") == "unknown"
    for limit in "nobody ready < 5%", f"{VM} 7 ready < 5%":
        status, (v,) = check(FILE, limit)
        assert status == 2 and v["verdict"] == "unknown" and "there is no such v" in v["why"].lower(), v
    # Without the scheduler's events nobody knows what it did between an exit and the next entry.
    assert one("ready < 5%", KVM_ONLY) == "unknown" and one("exits.count < 5", KVM_ONLY) == "kept"
    assert one("run > 50%", KVM_ONLY) == "kept"
    status, out, err = run("check", "/nonexistent", "--limit", "* ready < 5%")
    assert (status, out) == (2, "") and "/nonexistent" in err


def test_the_worst_decides():
    assert check(FILE, f"{VM} run > 1%", f"{VM} 0 run < 1%", "x run < 1%")[0] == 1
    assert check(FILE, f"{VM} run > 1%", "x run < 1%")[0] == 2
    assert check(FILE, f"{VM} run > 1%", "* run > 1%", f"{VM[:2]}?* 0 ready > 1%")[0] == 0


def test_a_part_of_the_run():
    options = ["--begin", "+0.0008", "--end", "+0.0009"]  # 810 to 910 us
    assert one("ready >= 90us", options=options) == "kept" and one("ready > 90%", options=options) == "broken"
    status, out, _ = run("check", FILE, *options, "--limit", f"{VM} ready < 1%")
    assert status == 1 and out.startswith("100.0 us of the recording (--begin +0.0008 --end +0.0009)\n\n"), out
    span = json.loads(run("check", FILE, "--format", "json", *options, "--limit", f"{VM} ready < 1%")[1])["span"]
    assert span["end_ns"] - span["begin_ns"] == 100000 and span["begin_ns"] == 1700000000000810000
    assert one("run < 1%", options=options) == "kept" and one("unknown <= 0%", options=options) == "kept"


def test_text_tells_the_worst_first():
    status, out, err = run("check", "--limit", f"{VM} run > 1%", "--limit", f"{VM} ready < 5%", "--limit", "x run < 1%",
                           FILE)
    lines = [line.split() for line in out.splitlines()]
    assert (status, err) == (1, "") and max(map(len, out.splitlines())) <= 100
    assert lines[1] == ["broken", VM, "0", "10.00", "%", VM, "ready", "<", "5%"], out
    assert [line[:2] for line in lines[2:4]] == [["not", "found"], ["kept", VM]], out
    assert lines[-1] == "1 broken, 1 not found out, 1 kept".split(), out


def test_junit():
    status, out, _ = run("check", "--format", "junit", FILE, "--limit", f"{VM} run > 1%", "--limit", f"{VM} ready < 5%",
                         "--limit", 'a&"b run < 1%')
    suite = xml.etree.ElementTree.fromstring(out)
    assert status == 1 and suite.tag == "testsuite"
    assert {k: suite.get(k) for k in ("tests", "failures", "errors")} == {"tests": "3", "failures": "1", "errors": "1"}
    cases = list(suite)
    assert [(c.get("classname"), c.get("name"), [e.tag for e in c]) for c in cases] == [
        (VM, f"{VM} run > 1% (vCPU 0)", []), (VM, f"{VM} ready < 5% (vCPU 0)", ["failure"]),
        ('a&"b', 'a&"b run < 1%', ["error"])], out
    assert cases[1][0].get("message") == "10.00 %" and "no such VM" in cases[2][0].get("message")


def test_what_is_no_limit():
    for limit in ("", "vm", "vm ready", "vm 0", "vm ready <", "vm ready < x%", "vm ready < 5", "vm ready < 5/s", "vm ready = 5%",
                  "vm ready < -5%", "vm ready < 0x5%", "vm ready < nan%", "vm ready < 1.2.3%", "vm halted < 5%",
                  "vm ready(x) < 5%", "vm exits < 5", "vm exits.p98 < 5ms", "vm exits.p99(x < 5ms", "vm exits.p99() < 5ms",
                  "vm exits.p99 < 5%", "vm exits.count < 5ms", "vm exits.rate < 5", "vm wakeup.rate < 5/s",
                  "vm wakeup.p99(x) < 5ms", "vm ready < 5% 6"):
        status, out, err = run("check", FILE, "--limit", limit)
        assert (status, out) == (2, "") and err.count("\n") == 1 and f"'{limit}' is no limit" in err, (limit, err)
    for args in ["--format", "json"], ["--begin", "+0"], ["--limit", "* run < 1%", "--format", "xml"]:
        status, out, err = run("check", FILE, *args)
        assert (status, out) == (2, "") and err.count("\n") == 1, err
    assert run("check", FILE)[0] == 0


def test_numbers_are_those_of_the_report():
    vms = f"{directory.name}/sample.vms"
    run("analyze", "-o", vms, f"{SAMPLES}/one-guest")
    out = json.loads(run("report", "--format", "json", vms)[1])
    vcpu, = out["vcpus"]
    wakeup, = (w for w in out["latency"] if w["stage"] == "all")
    wanted = {"g1 run < 1s": vcpu["guest_ns"], "g1 exits.count < 1": vcpu["exits"], "g1 wakeup.p99 < 1s": wakeup["p99_ns"],
              "g1 wakeup.count < 1": wakeup["count"],
              "g1 ready < 1s": sum(vcpu.get(f"{s}_ns", 0) for s in ("preempted", "waiting", "throttled"))}
    for e in out["exits"]:
        wanted[f"g1 exits.p99({e['name']}) < 1ns"] = e["p99_ns"]
        wanted[f"g1 exits.max({e['name']}) < 1ns"] = e["max_ns"]
        wanted[f"g1 exits.rate({e['name']}) < 1/s"] = e["rate_hz"]
    assert {v["limit"]: v["value"] for v in check(vms, *wanted)[1]} == wanted


tap.run(dict(globals()))
