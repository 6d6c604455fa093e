#!/usr/bin/python3
"""test_when.py [--long] VMSCOPE STANDIN: the flight recorder saves when a condition holds, where tests may trace; as TAP.

A stand-in for a VM loses its CPU to a thread of ours, at a time that is drawn: what is saved has waiting of that stall, as much
as the condition asks for at the least.
"""
import contextlib
import json
import os
import pathlib
import random
import signal
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import instances  # noqa: E402 pylint: disable=wrong-import-position
import tap  # noqa: E402 pylint: disable=wrong-import-position
from instances import may_trace  # noqa: E402 pylint: disable=wrong-import-position

LONG = "--long" in sys.argv
VMSCOPE, STANDIN = (a for a in sys.argv[1:] if not a.startswith("--"))
TIMES = 20 if LONG else 3
SPIN = "import os, time\nos.sched_setaffinity(0, {0})\nend = time.monotonic() + %f\nwhile time.monotonic() < end: pass"
WAITED = """SELECT coalesce(sum(s.dur), 0) AS ns FROM thread_state s JOIN thread t ON t.id = s.thread_id
 WHERE t.tid = %d AND s.state = 'wait-cpu'"""


def ours():
    return instances.ours("")


@contextlib.contextmanager
def ended(*processes):
    try:
        yield
    finally:
        for p in processes:
            p.kill()
            p.wait()


def vcpu_thread(pid):
    return next(int(t.name) for t in pathlib.Path(f"/proc/{pid}/task").iterdir() if (t / "comm").read_text() == "CPU 0/KVM\n")


def wait_for(ready, what, seconds=20):
    end = time.monotonic() + seconds
    while not ready():
        assert time.monotonic() < end, what
        time.sleep(0.02)


class Flight:
    """`vmscope record --flight 4s` with conditions."""

    def __init__(self, directory, *conditions):
        self.directory, self.log = directory, open(directory / "log", "w+")
        when = [word for c in conditions for word in ("--when", c)]
        self.process = subprocess.Popen([VMSCOPE, "record", "--flight", "4s", *when, "-o", directory / "r"], stdout=self.log,
                                        stderr=self.log, env={**os.environ, "LC_ALL": "C", "TZ": "UTC"})
        wait_for(lambda: len(ours()) == 2, "it does not record and look")

    def said(self):
        return (self.directory / "log").read_text()

    def files(self):
        return sorted((self.directory / "r").glob("host-*.dat"))

    def end(self):
        self.process.send_signal(signal.SIGINT)
        assert self.process.wait(60) == 0, self.said()
        assert ours() == []


def check_stalled(flight, directory, tid, seed):
    """Return: ns that the vCPU waited for a CPU in what was saved."""
    results = f"{directory}/x.vms"
    subprocess.run([VMSCOPE, "analyze", "-o", results, flight.files()[0]], check=True, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL)
    row = json.loads(subprocess.run([VMSCOPE, "query", "--format", "json", results, WAITED % tid], check=True,
                                    stdout=subprocess.PIPE).stdout)[0]
    # 30 % of 400 ms at the least, or it was not that stall.
    assert row["ns"] >= 0.12e9, f"seed {seed}: {row}"
    return row["ns"]


def test_the_stall_is_in_what_is_saved():
    if not may_trace():
        raise tap.Skip("no tracefs instance can be made here")
    seed = random.randrange(1 << 32)
    rng = random.Random(seed)
    n_made = 0
    for _ in range(5 * TIMES):
        if n_made == TIMES:
            break
        with tempfile.TemporaryDirectory() as name:
            vm = subprocess.Popen([STANDIN, "-name", "guest=web1", "-smp", "1", "-load", "busy", "-seconds", "40"])
            flight = Flight(pathlib.Path(name), "web* ready > 30% for 400ms", "other ready > 1%")
            with ended(vm, flight.process):
                time.sleep(rng.uniform(1, 2.5))
                if flight.files():
                    # Others had the CPU, or the kernel left out that it came back: there is nothing to wait for.
                    print("# saved before it was made to wait")
                    flight.end()
                    continue
                n_made += 1
                stalled = time.monotonic()
                thief = subprocess.Popen([sys.executable, "-c", SPIN % 1.5])
                with ended(thief):
                    wait_for(flight.files, f"seed {seed}: it was not saved")
                    took = time.monotonic() - stalled
                tid = vcpu_thread(vm.pid)
                text = flight.said()
                assert "vCPU 0 of web1: " in text and "--when 'web* ready > 30% for 400ms'" in text, text
                wait_for(lambda: "vmscope analyze" in flight.said(), flight.said())
                flight.end()
            assert len(flight.files()) == 1, flight.files()
            waited = check_stalled(flight, name, tid, seed)
            print(f"# saved {took:.2f} s after it began; {waited / 1e9:.3f} s of waiting are in it")
    assert n_made == TIMES, f"seed {seed}: it was stalled before in {5 * TIMES - n_made} attempts"


def test_what_it_cannot_watch_is_said():
    for args, words in ((["--when", "web1 ready > 5%"], "--flight"), (["--flight", "5s", "--when", "web1 ready > 5ms"], "shares"),
                        (["--flight", "5s", "--when", "web1 ready > 5% for 4.5s"], "a second more"),
                        (["--flight", "5s", "--when", "web1 ready > 5% for ever"], "'ever'"),
                        (["--flight", "5s", "--when", "web1"], "'web1'")):
        done = subprocess.run([VMSCOPE, "record", *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
        assert done.returncode == 2 and words in done.stderr and done.stderr.count("\n") == 1, (args, done)


tap.run(globals())
