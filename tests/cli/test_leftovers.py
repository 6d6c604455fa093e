#!/usr/bin/python3
"""
test_leftovers.py VMSCOPE SIM: however a command ends, by a signal, by SIGKILL or by a limit, no part of a file is left
behind: at once, or after SIGKILL when the next one works at the same place. As TAP.
"""
import contextlib
import os
import pathlib
import resource
import signal
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from tap import Skip, run  # noqa: E402 pylint: disable=wrong-import-position

VMSCOPE, SIM = (str(pathlib.Path(p).resolve()) for p in sys.argv[1:3])
END = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
for number_ in END:    # what this was started by, like nohup or a shell's &, may have them ignored
    signal.signal(number_, signal.SIG_DFL)


@contextlib.contextmanager
def workplace():
    """A directory with a recording, its results, and an empty place for temporary files."""
    with tempfile.TemporaryDirectory() as name:
        place = pathlib.Path(name)
        subprocess.run([SIM, "--seed", "3", "--vms", "2", "--size", "3M", place / "trace"], check=True, capture_output=True)
        subprocess.run([VMSCOPE, "analyze", "-o", place / "r.vms", place / "trace"], check=True, capture_output=True)
        (place / "out").mkdir()
        (place / "tmp").mkdir()
        yield place


def start(place, *args, **popen):
    return subprocess.Popen([VMSCOPE, *map(str, args)], cwd=place, env={**os.environ, "TMPDIR": str(place / "tmp")},
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **popen)


def names(place, *dirs):
    return sorted(str(p.relative_to(place)) for d in dirs for p in (place / d).rglob("*"))


def wait_until(what, seconds=20):
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "it did not come to that"
        time.sleep(0.002)


def state_of(pid):
    """As ps has it; Z when it is gone."""
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return "Z"


def exporting(place):
    """A process that writes a database, which needs a name from the first byte on; stopped in the middle of it."""
    for _ in range(50):
        process = start(place, "export", "--to", "sqlite", "-o", "out/r.db", "r.vms")
        half_made = place / "out" / f"r.db.{process.pid}.vmscope-tmp"
        wait_until(lambda: half_made.exists() or process.poll() is not None)
        process.send_signal(signal.SIGSTOP)
        wait_until(lambda: state_of(process.pid) in "TZ")
        if half_made.exists():
            return process
        assert go_on(process).wait() == 0    # it was done already
        (place / "out" / "r.db").unlink()
    raise AssertionError("it is always done already")


def go_on(process):
    process.send_signal(signal.SIGCONT)
    return process


def ended_by(process, number):
    process.send_signal(number)
    go_on(process).communicate(timeout=20)
    return process.returncode


def test_a_signal_removes_a_database_half_made():
    with workplace() as place:
        for number in END:
            process = exporting(place)
            assert len(names(place, "out")) == 1
            assert ended_by(process, number) == -number
            # It may have been about to end: then it is whole.
            assert names(place, "out") in ([], ["out/r.db"])
            (place / "out" / "r.db").unlink(missing_ok=True)


def test_the_next_one_removes_what_was_killed():
    with workplace() as place:
        assert ended_by(exporting(place), signal.SIGKILL) == -signal.SIGKILL
        assert len(names(place, "out")) == 1
        mine = place / "out" / "r.db.2024.tmp"    # looks alike, is not
        mine.touch()
        other = exporting(place)
        assert start(place, "export", "--to", "sqlite", "-o", "out/r.db", "r.vms").wait() == 0
        assert go_on(other).wait() == 0, other.stderr.read()    # which was at work and must not be swept
        assert names(place, "out") == ["out/r.db", "out/r.db.2024.tmp"]


def test_a_set_of_csv_files_appears_as_a_whole():
    with workplace() as place:
        process = start(place, "export", "--to", "csv", "-o", "out/csv", "r.vms")
        seen = set()
        while process.poll() is None:
            seen.add(len(names(place, "out/csv")))
        whole = names(place, "out/csv")
        assert process.returncode == 0 and len(whole) > 5, process.stderr.read()
        before = {name: (place / name).read_bytes() for name in whole}
        for number in END:
            process = start(place, "export", "--to", "csv", "-o", "out/new", "r.vms")
            wait_until((place / "out" / "new").is_dir)
            ended_by(process, number)
            assert not (place / "out" / "new").exists() or len(names(place, "out/new")) == len(whole)
        twice = start(place, "export", "--to", "csv", "--table", "vcpu", "--table", "vcpu", "--table", "diag", "-o", "out/two", "r.vms")
        assert twice.wait() == 0 and names(place, "out/two") == ["out/two/diag.csv", "out/two/vcpu.csv"], twice.stderr.read()
        # What is there already stays as it is when the new ones cannot all be written.
        process = start(place, "export", "--to", "csv", "-o", "out/csv", "--utc", "r.vms", preexec_fn=small_files)
        said = process.communicate()[1]
        assert process.returncode == 1 and "File too large" in said, said
        assert names(place, "out/csv") == whole
        assert before == {name: (place / name).read_bytes() for name in whole}
        process = start(place, "export", "--to", "csv", "-o", "out/none", "r.vms", preexec_fn=small_files)
        assert process.wait() == 1
        assert not (place / "out" / "none").exists()


def small_files():
    resource.setrlimit(resource.RLIMIT_FSIZE, (100 << 10, 100 << 10))


def test_a_limit_of_files_is_said_in_one_line():
    with workplace() as place:
        for command in (("analyze", "-o", "out/a.vms", "trace"), ("export", "--to", "sqlite", "-o", "out/a.db", "r.vms"),
                        ("export", "--to", "perfetto", "-o", "out/a.pb", "r.vms"),
                        ("export", "--to", "html", "-o", "out/a.html", "r.vms"),
                        ("export", "--to", "csv", "--table", "vcpu_state", "-o", "out/a.csv", "r.vms")):
            process = start(place, *command, preexec_fn=small_files)
            said = process.communicate()[1]
            assert process.returncode == 1, (command, process.returncode, said)
            assert len(said.splitlines()) == 1 and "File too large" in said, (command, said)
            assert names(place, "out") == []


def no_more_threads():
    """As a user that may have one process: root may have any number."""
    resource.setrlimit(resource.RLIMIT_NPROC, (1, 1))
    if not os.geteuid():
        os.setgroups([])
        os.setresgid(65534, 65534, 65534)
        os.setresuid(65534, 65534, 65534)


def test_without_threads():
    """What only makes it faster is done without them; what cannot do without says so."""
    if b"__asan_init" in pathlib.Path(VMSCOPE).read_bytes():
        raise Skip("looking for leaks takes a process of its own")
    with workplace() as place:
        for path in (place, *place.rglob("*")):
            path.chmod(0o777)
        try:
            process = start(place, "analyze", "--threads", "4", "-o", "out/a.vms", "trace", preexec_fn=no_more_threads)
        except (PermissionError, subprocess.SubprocessError) as why:
            raise Skip(f"another user cannot run it here: {why}") from why
        said = process.communicate()[1]
        assert process.returncode == 0 and names(place, "out") == ["out/a.vms"], said
        process = start(place, "serve", "--port", "0", "trace", preexec_fn=no_more_threads)
        said = process.communicate(timeout=20)[1]
        assert process.returncode == 1 and len(said.splitlines()) == 1 and "cannot start a thread" in said, said
        assert names(place, "tmp") == []


@contextlib.contextmanager
def serving(place):
    process = start(place, "serve", "--port", "0", "trace")
    try:
        wait_until(lambda: names(place, "tmp"))
        yield process
    finally:
        process.kill()
        process.communicate()


def test_serve_leaves_nothing():
    with workplace() as place:
        for number in END:
            with serving(place) as process:
                assert ended_by(process, number) == 0
            assert names(place, "tmp") == []


def children(process):
    return [pid for task in pathlib.Path(f"/proc/{process.pid}/task").iterdir()
            for pid in (task / "children").read_text().split()]


def directories(place):
    return {p.name for p in (place / "tmp").iterdir()}


def test_serve_that_is_killed_takes_its_analysis_with_it():
    with workplace() as place:
        with serving(place) as process:
            wait_until(lambda: children(process))
            pids = children(process)
            ended_by(process, signal.SIGKILL)
            for pid in pids:
                wait_until(lambda pid=pid: state_of(pid) == "Z")
        left = directories(place)
        assert len(left) == 1
        with serving(place) as process:
            wait_until(lambda: directories(place) and not directories(place) & left)
            with serving(place) as other:
                wait_until(lambda: len(directories(place)) == 2)    # one that is at work is not swept
                ended_by(other, signal.SIGTERM)
            ended_by(process, signal.SIGTERM)
        assert names(place, "tmp") == []


def test_why_of_a_range_leaves_nothing():
    with workplace() as place:
        for number in (*END, 0):
            process = start(place, "why", "--begin", "+0.01", "trace")
            wait_until(lambda: names(place, "tmp") or process.poll() is not None)
            if number:
                ended_by(process, number)
            else:
                assert process.wait() == 0, process.stderr.read()
            assert names(place, "tmp") == []


def test_what_is_ignored_stays_ignored():
    """nohup."""
    with workplace() as place:
        process = start(place, "export", "--to", "sqlite", "-o", "out/r.db", "r.vms",
                        preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN))
        wait_until(lambda: names(place, "out") or process.poll() is not None)
        process.send_signal(signal.SIGHUP)
        assert process.wait() == 0
        assert names(place, "out") == ["out/r.db"]


run(globals())
