#!/usr/bin/python3
"""
test_doubt.py VMSCOPE: a kernel that leaves a switch out without a word: that another thread was on the CPU than the one
that was switched to is said, and what it makes unknown is no more than what nobody knows. As TAP.
"""
import json
import pathlib
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
sys.path.insert(0, str(HERE.parent / "input"))
import gen_tracedat as dat  # noqa: E402 pylint: disable=wrong-import-position
import tap  # noqa: E402 pylint: disable=wrong-import-position

VMSCOPE = sys.argv[1]
SWITCH = dat.Format(319, "sched", "sched_switch", [
    ("char", "prev_comm", "s", 16), ("pid_t", "prev_pid", "i", 1), ("int", "prev_prio", "i", 1),
    ("long", "prev_state", "q", 1), ("char", "next_comm", "s", 16), ("pid_t", "next_pid", "i", 1),
    ("int", "next_prio", "i", 1)])
WAKEUP = dat.Format(321, "sched", "sched_wakeup", [
    ("char", "comm", "s", 16), ("pid_t", "pid", "i", 1), ("int", "prio", "i", 1), ("int", "target_cpu", "i", 1)])
BEGIN = 1_000_000_000
TICK = 1_000_000


def recording():
    """An idle CPU, which wakes a thread in each tick. Once a thread comes, and nothing says that it leaves."""
    machine = dat.Machine()
    ring = dat.Ring(machine)

    def switch(ns, prev, then):
        names = {0: "swapper/0", 70: "worker", 71: "other"}
        ring.event(ns, SWITCH, names[prev], prev, 120, 1 if prev else 0, names[then], then, 120, pid=prev)

    for tick in range(300):
        now = BEGIN + tick * TICK
        ring.event(now, WAKEUP, "sleeper", 72, 120, 0, pid=0)
        if tick == 100:
            switch(now + 1000, 0, 70)
        elif tick == 105 or tick == 200:
            switch(now + 1000, 0, 71)
            switch(now + 2000, 71, 0)
    file = dat.File(machine, version=6)
    file.known = [SWITCH, WAKEUP]
    return file.buffer({0: ring}).bytes6()


def rows(vms, query):
    done = subprocess.run([VMSCOPE, "query", "--format", "json", vms, query], check=True, capture_output=True)
    return [tuple(row.values()) for row in json.loads(done.stdout)]


def test_a_switch_left_out():
    with tempfile.TemporaryDirectory() as directory:
        trace, vms = f"{directory}/host.dat", f"{directory}/r.vms"
        pathlib.Path(trace).write_bytes(recording())
        done = subprocess.run([VMSCOPE, "analyze", "--strict", "-o", vms, trace], capture_output=True, text=True)
        assert done.returncode == 3, done
        told = rows(vms, "SELECT name, count FROM diag WHERE severity = 'damage'")
        assert told == [("event-doubtful", 1)], told
        unknown = rows(vms, f"SELECT ts - {BEGIN}, dur FROM cpu_state WHERE state = 'unknown' AND ts > {BEGIN + 50 * TICK}")
        assert len(unknown) == 1, unknown
        begin, dur = unknown[0]
        # From the switch up to the next one at the most, and not before.
        assert 100 * TICK <= begin <= 100 * TICK + 1000 and begin + dur <= 105 * TICK + 1000, unknown


tap.run(globals())
