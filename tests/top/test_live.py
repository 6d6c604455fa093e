#!/usr/bin/python3
"""test_live.py VMSCOPE STANDIN [SECONDS]: `vmscope top` on the kernel that runs this, against what that kernel counts; as TAP.

Pinned threads that are called as QEMU's vCPUs (standin.c) stand in for VMs. Skipped where nothing may be traced. SECONDS: how long each
comparison lasts (3).
"""
import contextlib
import json
import os
import pathlib
import random
import re
import signal
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import tap  # noqa: E402 pylint: disable=wrong-import-position

VMSCOPE, STANDIN = sys.argv[1], os.path.realpath(sys.argv[2])
SECONDS = int(sys.argv[3]) if len(sys.argv) > 3 else 3
TRACEFS = pathlib.Path("/sys/kernel/tracing")
WITHIN, SLICE_NS = 0.015, 120_000


def instances():
    return {p.name for p in (TRACEFS / "instances").iterdir()}


def can_trace():
    done = subprocess.run([VMSCOPE, "top", "--format", "json", "--interval", "0.1", "--count", "1"], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, timeout=60, check=False)
    if done.returncode:
        raise tap.Skip(done.stderr.strip())


@contextlib.contextmanager
def running(*command, **more):
    process = subprocess.Popen([str(c) for c in command], **more)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


@contextlib.contextmanager
def machine(name, vcpus, load, seconds):
    with running(STANDIN, "-name", f"guest={name}", "-smp", vcpus, "-load", load, "-seconds", seconds) as process:
        time.sleep(0.2)
        yield process


def vcpu_threads(pid):
    threads = {}
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        match = re.fullmatch(r"CPU (\d+)/KVM", (task / "comm").read_text().strip())
        if match:
            threads[int(match[1])] = int(task.name)
    return threads


def schedstat(pid, tid):
    return [int(x) for x in pathlib.Path(f"/proc/{pid}/task/{tid}/schedstat").read_text().split()]


def resident_kb(process):
    return int(re.search(r"VmRSS:\s+(\d+)", pathlib.Path(f"/proc/{process.pid}/status").read_text())[1])


def sleep_until(second):
    while (left := second - time.monotonic()) > 0:
        time.sleep(left)


def top(seconds, *more):
    return subprocess.Popen([VMSCOPE, "top", "--format", "json", "--count", str(seconds), *more], stdout=subprocess.PIPE, text=True)


def lines_of(process):
    out, _ = process.communicate(timeout=120)
    assert process.returncode == 0
    return [json.loads(line) for line in out.splitlines()]


def look(pids, seconds):
    """What top says, and what the kernel counts, of all vCPUs of these processes in the same seconds."""
    process = top(seconds + 4)
    time.sleep(1.5)
    begin = int(time.monotonic()) + 1
    threads = {tid: pid for pid in pids for tid in vcpu_threads(pid).values()}
    sleep_until(begin)
    before = {tid: schedstat(pid, tid) for tid, pid in threads.items()}
    late = time.monotonic() - begin
    sleep_until(begin + seconds)
    after = {tid: schedstat(pid, tid) for tid, pid in threads.items()}
    late += time.monotonic() - begin - seconds
    lines = [line for line in lines_of(process) if begin * 10**9 <= line["begin_ns"] < (begin + seconds) * 10**9]
    assert len(lines) == seconds, [line["begin_ns"] for line in lines]
    counted = {tid: [b - a for a, b in zip(before[tid], after[tid])] for tid in threads}
    return lines, counted, round(late * 1e9)


def add_up(lines, tid, *parts):
    return sum(v[part] for line in lines for v in line["vcpus"] if v["tid"] == tid for part in parts)


def compare(lines, counted, late):
    for line in lines:
        for v in line["vcpus"]:
            parts = ["run_ns", "ready_ns", "exit_ns", "poll_ns", "idle_ns", "blocked_ns", "unknown_ns"]
            assert sum(v[p] for p in parts) == line["end_ns"] - line["begin_ns"], v
    for tid, (ran, waited, slices) in counted.items():
        unknown = add_up(lines, tid, "unknown_ns")
        busy, ready = add_up(lines, tid, "run_ns", "exit_ns", "poll_ns"), add_up(lines, tid, "ready_ns")
        # The kernel's counts are read some time after the second has begun.
        slack = 10_000_000 + late + unknown
        said = f"tid {tid}: ran {busy} {ran}, ready {ready} {waited}, unknown {unknown}, {slices} slices"
        print(f"# {said}")
        assert abs(busy - ran) <= WITHIN * ran + slack, said
        assert abs(ready - waited) <= max(WITHIN * waited, SLICE_NS * slices) + slack, said


def test_says_why_it_cannot():
    """One line that names the cause and what helps."""
    if os.geteuid():
        raise tap.Skip("not root")
    done = subprocess.run(["setpriv", "--reuid", "65534", "--clear-groups", VMSCOPE, "top", "--batch", "--count", "1"],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
    if "Permission denied" in done.stderr and "setpriv" in done.stderr:
        raise tap.Skip("nobody may not run the program")
    assert done.returncode == 1 and not done.stdout and done.stderr.count("\n") == 1, done
    assert "root" in done.stderr or "container" in done.stderr or "tracefs" in done.stderr, done.stderr


def test_against_schedstat():
    can_trace()
    with machine("web1", 2, "halting", SECONDS + 12) as a, machine("db1", 2, "busy", SECONDS + 12) as b:
        lines, counted, late = look([a.pid, b.pid], SECONDS)
        names = {v["vm"] for line in lines for v in line["vcpus"]}
        assert {"web1", "db1"} <= names, names
        compare(lines, counted, late)
        kinds = {t["kind"] for line in lines for v in line["vcpus"] if v["vm"] == "web1" for t in v["thieves"]}
        assert "neighbour" in kinds, kinds


def look_at_many():
    """Return: what top says of as many events as one CPU makes; of its memory, kB, early and late."""
    with machine("load", 1, "switching", SECONDS + 12) as a:
        process = top(SECONDS + 2)
        # It has what it needs once it has said what two seconds were like.
        lines = [json.loads(process.stdout.readline()) for _ in range(2)]
        sizes = [resident_kb(process)]
        begun = time.monotonic()
        ran = schedstat(process.pid, process.pid)[0]
        lines += [json.loads(process.stdout.readline()) for _ in range(SECONDS - 1)]
        sizes.append(resident_kb(process))
        share = (schedstat(process.pid, process.pid)[0] - ran) / 1e9 / (time.monotonic() - begun)
        lines += map(json.loads, process.stdout)
        assert process.wait(60) == 0
        rate = sum(line["events_per_second"] for line in lines) / len(lines)
        print(f"# {rate:.0f} events/s, {100 * share:.2f} % of a CPU: {100 * share / rate * 1e5:.2f} % per 100,000 events/s;"
              f" {sizes[0]} to {sizes[1]} kB; lost {lines[-1]['lost']}; VM of process {a.pid}")
    return lines, sizes


def test_many_events():
    """Nothing is lost, and memory does not grow. Where others use the machine, top may get no CPU for a second: not each time."""
    can_trace()
    for _ in range(3):
        lines, sizes = look_at_many()
        assert sizes[1] < sizes[0] + 16384, sizes
        if not lines[-1]["lost"]:
            return
    raise AssertionError([line["lost"] for line in lines])


def append(file, line):
    """Python's own append mode seeks to an end that such a file does not have."""
    fd = os.open(file, os.O_WRONLY | os.O_APPEND)
    try:
        os.write(fd, (line + "\n").encode())
    finally:
        os.close(fd)


@contextlib.contextmanager
def probes():
    """Events that stand in for KVM's: the calls of two functions of the stand-in."""
    file = TRACEFS / "uprobe_events"
    table = subprocess.run(["nm", STANDIN], stdout=subprocess.PIPE, text=True, check=True).stdout
    at = {name: re.search(rf"^([0-9a-f]+) T {name}$", table, re.M)[1] for name in ("standin_enter", "standin_exit")}
    group = f"vmscope_test_{os.getpid()}"
    if not file.exists() or os.uname().machine != "x86_64":
        raise tap.Skip("no uprobes")
    wanted = [f"p:{group}/kvm_x86_entry {STANDIN}:0x{at['standin_enter']} vcpu_id=%di:u32",
              f"p:{group}/kvm_x86_exit {STANDIN}:0x{at['standin_exit']} exit_reason=%si:u32 isa=%dx:u32 vcpu_id=%di:u32"]
    try:
        try:
            for line in wanted:
                append(file, line)
        except OSError as e:
            raise tap.Skip(f"no uprobes: {e}") from e
        yield
    finally:
        for name in ("kvm_x86_entry", "kvm_x86_exit"):
            with contextlib.suppress(OSError):
                append(file, f"-:{group}/{name}")


def test_exits():
    """Guests by events that stand in for KVM's; one that begins only later is found."""
    can_trace()
    with probes():
        with machine("first", 1, "halting", SECONDS + 14) as a:
            process = top(SECONDS + 6)
            time.sleep(2.5)
            with machine("second", 1, "halting", SECONDS + 8):
                lines = lines_of(process)
        assert a
    last = {v["vm"]: v for v in lines[-2]["vcpus"]}
    assert {"first", "second"} <= set(last), last
    assert lines[0]["told_anew"] == 1 and lines[-1]["told_anew"] > 1
    for v in last.values():
        if v["vm"] in ("first", "second"):
            assert v["run_ns"] > 0 and v["idle_ns"] + v["ready_ns"] > 0 and {"HLT", "EXTERNAL_INTERRUPT"} <= set(v["exit_reasons"]), v


def test_killed():
    """What was killed leaves an instance, which the next one removes; that of others stays."""
    can_trace()
    other = TRACEFS / "instances" / f"somebody-else-{os.getpid()}"
    other.mkdir()
    try:
        before = instances()
        for _ in range(5):
            process = subprocess.Popen([VMSCOPE, "top", "--batch"], stdout=subprocess.DEVNULL)
            time.sleep(random.uniform(0, 0.6))
            process.send_signal(signal.SIGKILL)
            process.wait()
        can_trace()
        left = {name for name in instances() - before if name.startswith("vmscope-top")}
        assert not left, left
        assert other.name in instances()
    finally:
        other.rmdir()


def test_ends_cleanly():
    can_trace()
    for sig in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        with tempfile.TemporaryFile() as out:
            process = subprocess.Popen([VMSCOPE, "top", "--batch", "--interval", "0.2"], stdout=out)
            time.sleep(0.7)
            mine = [name for name in instances() if f"-top-{process.pid}-" in name]
            process.send_signal(sig)
            assert process.wait(timeout=10) == 0
        assert not set(mine) & instances()


tap.run(dict(globals()))
