#!/usr/bin/python3
"""test_record.py [--long] VMSCOPE: `vmscope record` at work, where tests may trace (root, tracefs); as TAP.

Another user's instance is there all the time, and must be as it was in the end.
"""
import contextlib
import json
import os
import pathlib
import random
import re
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import instances  # noqa: E402 pylint: disable=wrong-import-position
import tap  # noqa: E402 pylint: disable=wrong-import-position
from instances import INSTANCES, may_trace  # noqa: E402 pylint: disable=wrong-import-position

LONG = "--long" in sys.argv
VMSCOPE = next(arg for arg in sys.argv[1:] if not arg.startswith("--"))
ENV = {**os.environ, "LC_ALL": "C", "TZ": "UTC"}


def needs_tracing():
    if not may_trace():
        raise tap.Skip("no tracefs instance can be made here")


def ours():
    return instances.ours("(record|flight)-")


@contextlib.contextmanager
def place():
    """A directory, beside somebody else's instance, which is checked."""
    needs_tracing()
    other = INSTANCES / f"others-{os.getpid()}"
    other.mkdir()
    try:
        (other / "events/sched/sched_switch/enable").write_text("1")
        (other / "tracing_on").write_text("1")
        with tempfile.TemporaryDirectory() as directory:
            yield pathlib.Path(directory)
        assert (other / "tracing_on").read_text() == "1\n", "another user's tracing was switched off"
        assert (other / "events/sched/sched_switch/enable").read_text() == "1\n"
    finally:
        (other / "tracing_on").write_text("0")
        (other / "events/enable").write_text("0")
        other.rmdir()


def record(*args, status=0, **options):
    done = subprocess.run([VMSCOPE, "record", *map(str, args)], env=options.pop("env", ENV), text=True, timeout=100,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False, **options)
    assert done.returncode == status, f"{args}: {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done


def start(*args):
    return subprocess.Popen([VMSCOPE, "record", *map(str, args)], env=ENV, text=True,
                            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def query(file, sql):
    done = subprocess.run([VMSCOPE, "query", "--format", "json", str(file), sql], text=True, check=True,
                          stdout=subprocess.PIPE)
    return json.loads(done.stdout)


def events(file):
    """Lines of `vmscope events`."""
    return subprocess.run([VMSCOPE, "events", str(file)], text=True, check=True, stdout=subprocess.PIPE,
                          errors="replace").stdout.splitlines()


def wait_for(condition, what, seconds=30):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, what
        time.sleep(0.05)


# ---- recording ---------------------------------------------------------------------------------------------------

def test_it_records_and_analyzes():
    with place() as directory:
        done = record("--for", "1s", "-o", directory / "r")
        assert ours() == [], ours()
        assert "none lost" in done.stderr, done.stderr
        assert "Why VMs were slow" in done.stdout, done.stdout
        said = int(re.search(r"recorded (\d+) events", done.stderr)[1])
        assert len(events(directory / "r/host.dat")) == said
        snapshot = json.loads((directory / "r/host.snapshot.json").read_text())
        assert snapshot["begin"]["host"] == os.uname().nodename
        assert snapshot["end"]["time"] - snapshot["begin"]["time"] in range(0, 30)
        me = [os.getpid(), os.getpid(), pathlib.Path("/proc/self/comm").read_text().strip()]
        assert me in snapshot["begin"]["threads"], me
        # What only the snapshot knows: which process a thread is of.
        assert query(directory / "r/results.vms", "SELECT count(*) AS n FROM thread WHERE pid = tid")[0]["n"] > 0


def test_trace_cmd_reads_it():
    if not shutil.which("trace-cmd"):
        raise tap.Skip("trace-cmd is not here")
    with place() as directory:
        record("--for", "1s", "-o", directory / "r", "--no-analysis")
        file = directory / "r/host.dat"
        report = subprocess.run(["trace-cmd", "report", "-i", file], text=True, check=True, stdout=subprocess.PIPE,
                                stderr=subprocess.DEVNULL, errors="replace").stdout.splitlines()
        theirs = [line for line in report if re.search(r"\[\d+\]", line)]
        ours_too = events(file)
        assert len(theirs) == len(ours_too) > 100, (len(theirs), len(ours_too))
        # Both have them at the same time of day, in us.
        at = [float(re.search(r"\] +(\d+\.\d+):", line)[1]) for line in (theirs[0], theirs[-1])]
        assert abs(at[0] - time.time()) < 600 and 0.5 < at[1] - at[0] < 60, at


def test_lite_records_less():
    with place() as directory:
        record("--for", "1s", "--lite", "-o", directory / "r", "--no-analysis")
        text = "\n".join(events(directory / "r/host.dat"))
        assert "sched_switch" in text and "softirq_entry" not in text and "sys_enter" not in text


def test_a_second_recording_does_not_overwrite_the_first():
    with place() as directory:
        record("--for", "300ms", "-o", directory / "r", "--no-analysis")
        before = (directory / "r/host.dat").read_bytes()
        done = record("--for", "300ms", "-o", directory / "r", "--no-analysis", status=1)
        assert "-o" in done.stderr and done.stderr.count("\n") == 1, done.stderr
        assert (directory / "r/host.dat").read_bytes() == before and ours() == []


def test_ctrl_c_ends_it_well():
    with place() as directory:
        process = start("-o", directory / "r", "--no-analysis")
        wait_for(ours, "it does not record")
        time.sleep(0.5)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=60)
        assert process.returncode == 0 and "none lost" in said, said
        assert events(directory / "r/host.dat") and ours() == []


def test_perf_records_it():
    if not shutil.which("perf"):
        raise tap.Skip("perf is not here")
    with place() as directory:
        record("--for", "1s", "--tracer", "perf", "-o", directory / "r", "--no-analysis")
        assert events(directory / "r/host.perf.data") and ours() == []


def test_a_dry_run_does_nothing():
    with place() as directory:
        done = record("--dry-run", "-o", directory / "r", "--guest", "web1", "--guest", "db=ssh:root@db")
        assert not (directory / "r").exists() and ours() == []
        for word in ("sched:sched_switch", "Clock", "web1", "by hand", "ssh root@db", "trace-cmd is", str(directory)):
            assert word in done.stdout, (word, done.stdout)


def test_without_rights_it_says_why():
    needs_tracing()
    done = record("--for", "1s", "-o", "/nonexistent/r", status=1,
                  preexec_fn=lambda: (os.setgroups([]), os.setuid(65534)))
    assert "root" in done.stderr and done.stderr.count("\n") == 1, done.stderr


# ---- guests ------------------------------------------------------------------------------------------------------

SSH = """#!/bin/sh
while [ "$1" != -- ]; do shift; done
shift 2
exec sh -c "$*"
"""


def test_a_guest_by_ssh():
    """`ssh` runs what it is asked to right here."""
    if not shutil.which("trace-cmd"):
        raise tap.Skip("trace-cmd is not here")
    with place() as directory:
        ssh = directory / "ssh"
        ssh.write_text(SSH)
        ssh.chmod(ssh.stat().st_mode | stat.S_IXUSR)
        done = record("--for", "1s", "-o", directory / "r", "--guest", "web1=ssh:root@web1", "--no-analysis",
                      env={**ENV, "PATH": f"{directory}:{ENV['PATH']}"})
        assert "guest web1 is being recorded" in done.stderr, done.stderr
        assert events(directory / "r/web1.dat"), done.stderr
        assert not list(pathlib.Path("/tmp").glob("vmscope-*-web1.dat"))


def test_a_guest_that_cannot_be_reached_is_said():
    with place() as directory:
        ssh = directory / "ssh"
        ssh.write_text("#!/bin/sh\necho no route >&2\nexit 255\n")
        ssh.chmod(ssh.stat().st_mode | stat.S_IXUSR)
        done = record("--for", "300ms", "-o", directory / "r", "--guest", "web1=ssh:web1", "--no-analysis",
                      env={**ENV, "PATH": f"{directory}:{ENV['PATH']}"})
        assert "web1 is not recorded" in done.stderr and "web1.log" in done.stderr, done.stderr
        assert "no route" in (directory / "r/web1.log").read_text()
        assert events(directory / "r/host.dat")


def test_a_guest_by_hand_is_waited_for():
    with place() as directory:
        record("--for", "300ms", "-o", directory / "other", "--no-analysis")
        process = start("--for", "300ms", "-o", directory / "r", "--guest", "web1", "--no-analysis")
        try:
            wait_for((directory / "r/host.dat").exists, "the host was not recorded")
            time.sleep(0.7)
            assert process.poll() is None, "it did not wait"
            shutil.copy(directory / "other/host.dat", directory / "r/web1.dat")
            _, said = process.communicate(timeout=30)
        finally:
            process.kill()
        assert process.returncode == 0 and "--print guest" in said and "web1.dat" in said, said
        assert "no recording of guest" not in said, said


# ---- flight recorder ---------------------------------------------------------------------------------------------

@contextlib.contextmanager
def many_events():
    """A thread on each CPU that naps all the time: what is kept begins with a sub-buffer, which lasts for a second on an idle CPU."""
    nap = "import os, time\nos.sched_setaffinity(0, {%d})\nwhile True: time.sleep(0.001)"
    nappers = [subprocess.Popen([sys.executable, "-c", nap % cpu]) for cpu in os.sched_getaffinity(0)]
    try:
        yield
    finally:
        for napper in nappers:
            napper.kill()
            napper.wait()


def test_the_flight_recorder_keeps_the_last_seconds():
    with place() as directory, many_events():
        process = start("--flight", "2s", "-o", directory / "r")
        try:
            wait_for(ours, "it does not record")
            time.sleep(3)
            process.send_signal(signal.SIGUSR1)
            files = lambda: sorted((directory / "r").glob("host-*.snapshot.json"))  # noqa: E731
            wait_for(lambda: len(files()) == 1, "it was not saved")
            time.sleep(1.1)
            assert "asked" in record("--save").stdout
            wait_for(lambda: len(files()) == 2, "it was not saved again")
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=60)
        finally:
            process.kill()
        assert process.returncode == 0 and ours() == []
        first = sorted((directory / "r").glob("*.dat"))[0]
        info = json.loads(subprocess.run([VMSCOPE, "info", "--format", "json", first], check=True,
                                         stdout=subprocess.PIPE).stdout)
        text = json.dumps(info)
        begin, end = (int(re.search(f'"{key}": ?(-?[0-9]+)', text)[1]) for key in ("first_ns", "last_ns"))
        assert 1.9e9 < end - begin < 2.5e9, end - begin


def test_saving_without_a_flight_recorder_is_said():
    needs_tracing()
    assert "--flight" in record("--save", status=1).stderr


# ---- killed ------------------------------------------------------------------------------------------------------

def test_what_a_killed_one_leaves_is_removed_by_the_next():
    """At random moments, of both ways to record."""
    seed = random.randrange(1 << 32)
    rng = random.Random(seed)
    with place() as directory:
        for n in range(50 if LONG else 4):
            way = rng.choice((["--flight", "5s"], []))
            process = start(*way, "-o", directory / f"k{n}", "--no-analysis")
            time.sleep(rng.uniform(0, 1.5))
            process.kill()
            process.communicate()
        done = record("--for", "200ms", "-o", directory / "last", "--no-analysis")
        assert ours() == [], f"seed {seed}: {ours()}\n{done.stderr}"
        assert list(directory.glob("k*/*.dat")) == [], "half a file"


tap.run(globals())
