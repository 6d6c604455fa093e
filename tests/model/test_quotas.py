#!/usr/bin/python3
"""test_quotas.py VMSCOPE: quotas of many kinds, and what only looks like them, in small recordings made by hand; as TAP.

What was throttled is told so within 1 %, whichever events were recorded, and nothing else is.
"""
import json
import pathlib
import subprocess
import sys
import tempfile

sys.path.append(str(pathlib.Path(__file__).resolve().parent.parent))
import quotas  # noqa: E402 pylint: disable=wrong-import-position
import tap  # noqa: E402 pylint: disable=wrong-import-position
from quotas import Group, Host, Task, WFX  # noqa: E402 pylint: disable=wrong-import-position

VMSCOPE = sys.argv[1]
MS = 1000
ALL, SOME, NONE = ("wakeup", "timer", "irq"), ("wakeup",), ()
EDGES = 1 * MS  # where a stretch begins and ends: some switches
STATES = """SELECT t.tid, s.ts, s.dur FROM vcpu_state s JOIN vcpu v ON v.id = s.vcpu_id JOIN thread t ON t.vcpu_id = v.id
    WHERE s.state = 'throttled' ORDER BY s.ts"""


def vm(name, group=None, vcpus=1, cpus=(0,), **more):
    """name: its process; its vCPUs are on these CPUs by turns."""
    return [Task(name + 10 + i, f"CPU {i}/KVM", cpus[i % len(cpus)], name, group, vcpu=i, **more) for i in range(vcpus)]


def run(*args):
    return subprocess.run([VMSCOPE, *args], check=True, text=True, stdout=subprocess.PIPE, timeout=120).stdout


def snapshot(limited):
    """What `vmscope record` saves of VMs: {process: whether its CPU time is limited}."""
    side = {"vms": [{"pid": pid, "name": f"vm-{pid}", "quota_us": 20000 if is_limited else None, "quotas_seen": True}
                    for pid, is_limited in limited.items()]}
    return json.dumps({"vmscope_snapshot": 1, "begin": side, "end": side})


def results(host, limited=None):
    """limited: what the host says of quotas. Return: ({tid: [(begin, end) in us]}, {(VM, cause)})."""
    told = {}
    with tempfile.TemporaryDirectory() as directory:
        vms = f"{directory}/host.vms"
        pathlib.Path(directory, "host").mkdir()
        host.write(f"{directory}/host")
        if limited is not None:
            pathlib.Path(directory, "host.snapshot.json").write_text(snapshot(limited))
        run("analyze", "-o", vms, f"{directory}/host")
        for row in json.loads(run("query", "--format", "json", vms, STATES)):
            begin = (row["ts"] - quotas.ORIGIN_NS) / 1000
            told.setdefault(row["tid"], []).append((begin, begin + row["dur"] / 1000))
        found = {(f["machine"], f["cause"]) for f in json.loads(run("why", "--format", "json", vms))["findings"]}
    return told, found


def compare(host, least=0.99):
    """least: how much of what was throttled must be told. Return: what is found."""
    told, found = results(host)
    for t in host.tasks:
        if t.vcpu is None:
            continue
        mine = told.get(t.tid, [])
        true, n = sum(e - b for b, e in t.throttled), sum(e - b for b, e in mine)
        both = sum(max(0, min(e, f) - max(b, a)) for b, e in t.throttled for a, f in mine)
        assert both >= least * true - EDGES, f"{t.tid}: of {true} us throttled {both:.0f} are told"
        assert n - both <= 0.01 * n + EDGES, f"{t.tid}: {n - both:.0f} of {n:.0f} us are not throttled"
    return found


def quota_of(tasks, duration=500 * MS, events=ALL, least=0.99, **more):
    found = compare(Host(tasks, 2, events, **more).run(duration), least)
    assert ("vm-500", "quota") in found, found
    assert all(cause != "quota" for name, cause in found if name != "vm-500"), found
    return found


def innocent(tasks, events):
    found = compare(Host(tasks, 2, events).run(600 * MS))
    assert not any(cause in ("quota", "unclear") for _, cause in found), found
    return found


def test_any_share_and_period():
    for quota, period in (10, 100), (50, 100), (90, 100), (20, 50), (5, 10):
        for events in ALL, SOME, NONE:
            quota_of(vm(500, Group(quota * MS, period * MS)), 3 * period * MS + 7 * MS, events)


def test_several_vcpus():
    for events in ALL, SOME:
        quota_of(vm(500, Group(60 * MS), 2, (0, 1)), events=events)
        quota_of(vm(500, Group(30 * MS), 3), events=events)
        quota_of(vm(500, Group(40 * MS), 4, (0, 1)), events=events)


def test_arm64_and_bursts():
    quota_of(vm(500, Group(30 * MS), works=9 * MS, rests=2 * MS), halts=(WFX, 0), least=0.5)
    quota_of(vm(500, Group(20 * MS, burst=20 * MS), works=70 * MS, rests=90 * MS))


def test_vhost_in_the_group():
    for events in ALL, SOME:
        g = Group(50 * MS)
        vhost = Task(530, "vhost-500", 1, 530, g, works=2 * MS, rests=1500)
        quota_of([*vm(500, g, works=8 * MS, rests=2 * MS), vhost], events=events)


def test_with_competitors():
    for events in ALL, SOME:
        found = quota_of([*vm(500, Group(20 * MS)), Task(900, "stress", 0, works=20 * MS, rests=7 * MS)], events=events)
        assert ("vm-500", "host-process") in found, found
        # A sibling whose CPU idles proves it for both.
        quota_of([*vm(500, Group(60 * MS), 2, (0, 1)), *vm(600, cpus=(1,))], events=events)
    # Nothing idles: whose timer it is has to be learned, without its name.
    quota_of([*vm(500, Group(20 * MS)), *vm(600)], 1000 * MS, least=0.5)


def test_two_throttled_on_one_cpu():
    for events in ALL, SOME:
        a, b = Group(20 * MS), Group(30 * MS, phase=40 * MS)
        found = compare(Host([*vm(500, a), *vm(600, b)], 2, events).run(500 * MS))
        assert {("vm-500", "quota"), ("vm-600", "quota")} <= found, found


def test_a_quota_for_each_vcpu():
    tasks = vm(500, Group(30 * MS), 2, (0, 1))
    tasks[1].group = Group(50 * MS, phase=37 * MS)
    for events in ALL, SOME:
        quota_of([Task(t.tid, t.comm, t.cpu, t.pid, Group(t.group.quota, phase=t.group.phase), t.vcpu) for t in tasks],
                 events=events)


def test_plain_preemption():
    for events in ALL, SOME, NONE:
        found = innocent([*vm(500, turn=30 * MS), *vm(600, turn=70 * MS)], events)
        assert {("vm-500", "neighbour"), ("vm-600", "neighbour")} <= found, found
        found = innocent([*vm(500, None, 2, (0, 1), turn=30 * MS), Task(900, "stress", 1, turn=70 * MS)], events)
        assert ("vm-500", "host-process") in found, found


def test_idle():
    for events in ALL, SOME:
        found = innocent([*vm(500, None, 2, (0, 1), works=1000, rests=3000), *vm(600, cpus=(1,), works=500, rests=3000)], events)
        assert all(cause in ("neighbour", "wake-up-latency") for _, cause in found), found


def test_the_host_says_who_has_a_quota():
    """What `vmscope record` saved of groups; a VM that did not run is no error, one that has no quota is not throttled."""
    made = {"always": lambda g: vm(500, g),
            "woken": lambda g: [*vm(500, g, works=300, rests=2500), Task(530, "vhost-500", 1, 530, g)]}
    said = {None: {"always"}, True: {"always", "woken"}, False: set()}
    for name, tasks in made.items():
        for limited, told_of in said.items():
            host = Host(tasks(Group(30 * MS)), 2, SOME).run(500 * MS)
            told, found = results(host, None if limited is None else {500: limited, 600: False})
            true, mine = (sum(e - b for b, e in x) for x in (host.tasks[0].throttled, told.get(510, [])))
            assert abs(mine - (true if name in told_of else 0)) <= EDGES, (name, limited, mine, true)
            assert (("vm-500", "quota") in found) == (name in told_of), (name, limited, found)


tap.run(dict(globals()))
