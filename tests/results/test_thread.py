#!/usr/bin/python3
"""test_thread.py VMSCOPE SIM: `vmscope why --thread`, against what SQL adds up of simulated recordings; as TAP."""
import collections
import itertools
import json
import pathlib
import subprocess
import sys
import tempfile

sys.path.append(str(pathlib.Path(__file__).resolve().parent.parent))
import tap  # noqa: E402 pylint: disable=wrong-import-position

VMSCOPE, SIM = sys.argv[1:3]
directory = tempfile.TemporaryDirectory()
WANTED = "('user', 'syscall', 'irq', 'softirq', 'stolen', 'hypervisor', 'wait-cpu')"
# Whether it was in user code is not always known; that it was current is.
THREADS = f"""SELECT t.id, t.tid, t.comm, m.name AS vm, sum(s.dur) AS n FROM thread_state s JOIN thread t ON t.id = s.thread_id
    JOIN machine m ON m.id = t.machine_id WHERE m.parent_id IS NOT NULL AND t.tid > 0
    AND (s.state IN {WANTED} OR s.state = 'unknown' AND s.cpu IS NOT NULL) GROUP BY t.id ORDER BY n DESC LIMIT 6"""
KNOWN = f"SELECT sum(dur) AS ns FROM thread_state WHERE thread_id = %d AND state IN {WANTED}"
STATES = """SELECT ts, ts + dur AS ts_end, state, cpu FROM thread_state WHERE thread_id = %d AND cpu IS NOT NULL
    AND state IN (%s) ORDER BY ts"""
VCPU = """SELECT v.ts, v.ts + v.dur AS ts_end, v.state, c.vcpu_index AS cpu FROM vcpu_state v JOIN vcpu c ON c.id = v.vcpu_id
    JOIN machine m ON m.id = c.machine_id WHERE m.name = '%s' ORDER BY v.ts"""
LOST = ("preempted", "waiting", "throttled")
SLACK = 1000000 * 3  # ns: causes that cost less than a ms are not told of


def run(*args, status=0):
    done = subprocess.run([VMSCOPE, *map(str, args)], text=True, timeout=60, check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert done.returncode == status, f"{args}: {done.returncode}: {done.stderr}"
    return done.stdout if status == 0 else done.stderr


def simulated(cause):
    traces, vms = f"{directory.name}/{cause}", f"{directory.name}/{cause}.vms"
    if pathlib.Path(vms).exists():
        return vms
    subprocess.run([SIM, "--cause", cause, "--duration", "0.5" if cause == "quota" else "0.15", "--seed", "7", "--format", "trace.dat", "--agent", traces],
                   check=True, stdout=subprocess.DEVNULL)
    run("analyze", "-o", vms, traces)
    return vms


def query(vms, text):
    return json.loads(run("query", "--format", "json", vms, text))


def meanwhile(vms, thread, states):
    """Return: {state: ns} of the vCPU that the thread is current on, or waits for, while it is in these states."""
    found = collections.Counter()
    rows = query(vms, VCPU % thread["vm"])
    for cpu in {row["cpu"] for row in rows}:
        lane, n = [row for row in rows if row["cpu"] == cpu], 0
        for s in query(vms, STATES % (thread["id"], ", ".join(f"'{s}'" for s in states))):
            while s["cpu"] == cpu and n < len(lane) and lane[n]["ts_end"] <= s["ts"]:
                n += 1
            for v in itertools.takewhile(lambda v: v["ts"] < s["ts_end"], itertools.islice(lane, n, None) if s["cpu"] == cpu else []):
                found[v["state"]] += min(v["ts_end"], s["ts_end"]) - max(v["ts"], s["ts"])
    return found


def findings(vms, thread, *more):
    return json.loads(run("why", "--thread", thread["tid"], "--vm", thread["vm"], "--format", "json", *more, vms))["findings"]


def cost(found, kind):
    return sum(f["cost_ns"] for f in found if f["kind"] == kind)


def test_parts_are_those_of_the_lanes():
    for cause in "neighbour", "quota", "msr-storm", "interrupts":
        vms = simulated(cause)
        for t in query(vms, THREADS):
            found = findings(vms, t)
            lost = sum(ns for s, ns in meanwhile(vms, t, ("stolen", "wait-cpu")).items() if s in LOST)
            wanted = query(vms, KNOWN % t["id"])[0]["ns"] + meanwhile(vms, t, ("unknown",)).get("guest", 0)
            guest = meanwhile(vms, t, ("wait-cpu",)).get("guest", 0)
            what = f"{cause}: {t}: {[(f['cause'], f['cost_ns']) for f in found]}"
            assert all(f["of_ns"] == wanted for f in found), what
            assert sum(f["cost_ns"] for f in found) <= wanted, what
            least = max(SLACK, 0.04 * wanted)
            assert lost - least <= cost(found, "lost") <= lost, f"{what}: {lost}"
            others = sum(f["cost_ns"] for f in found if f["cause"] == "guest-threads")
            assert others == 0 or others >= guest, f"{what}: {guest}"
            assert all(f["thread"] == f"{t['comm']} (tid {t['tid']}) of {t['vm']}" for f in found), what


def test_the_cause_of_the_vm_is_that_of_its_thread():
    for cause in "neighbour", "quota":
        vms = simulated(cause)
        own = [t for t in query(vms, THREADS) if t["vm"] == "g1"]
        assert any(cause in [f["cause"] for f in findings(vms, t)] for t in own), own


def test_a_part_of_the_run():
    vms = simulated("neighbour")
    t = query(vms, THREADS)[0]
    whole, parts = findings(vms, t), [*findings(vms, t, "--end", "+0.1"), *findings(vms, t, "--begin", "+0.1")]
    assert abs(cost(whole, "lost") - cost(parts, "lost")) < SLACK, (whole, parts)


def test_who_is_meant():
    vms = simulated("neighbour")
    t = query(vms, THREADS)[0]
    text = run("why", "--thread", t["tid"], "--vm", t["vm"], vms)
    assert f"Why {t['comm']} (tid {t['tid']}) of {t['vm']} was slow: it wanted to run for" in text, text
    assert "no thread of a guest" in run("why", "--thread", "no such", vms, status=1)
    often = "SELECT comm FROM thread WHERE tid > 0 GROUP BY comm HAVING count(DISTINCT machine_id) > 2 LIMIT 1"
    assert "several threads are" in run("why", "--thread", query(vms, often)[0]["comm"], vms, status=1)
    assert "--vcpu" in run("why", "--thread", "1", "--vcpu", "0", vms, status=2)
    traces = f"{directory.name}/neighbour"
    assert f"Why {t['comm']}" in run("why", "--thread", t["tid"], "--vm", t["vm"], traces)


tap.run(dict(globals()))
