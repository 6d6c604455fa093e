#!/usr/bin/python3
"""
test_origin.py VMSCOPE: recordings whose clock does not count from the Epoch have no dates; as TAP.

Not in whatever is made of them. The traces are like those of `perf data convert`: their clock has no offset, and each event names its thread.
"""
import contextlib
import csv
import io
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path += [str(HERE.parent), str(HERE.parent / "analyze"), str(HERE.parent / "export"),
             str(HERE.parent / "server")]
import perfetto_reader  # noqa: E402 pylint: disable=wrong-import-position
import service  # noqa: E402 pylint: disable=wrong-import-position
import tap  # noqa: E402 pylint: disable=wrong-import-position
import tiny  # noqa: E402 pylint: disable=wrong-import-position

VMSCOPE = os.path.abspath(sys.argv[1])
EPOCH = 1700000000  # 2023-11-14 22:13:20 UTC
# A VM of two vCPUs that runs for 1 ms, from 12.345678 s on.
FIRST_US = 12345678
THREADS = {0: 510, 1: 511}


def kvm_events():
    for k in range(10):
        for vcpu, tid in THREADS.items():
            us = FIRST_US + 100 * k + 50 * vcpu
            who = {"perf_tid": tid, "perf_pid": 500, "vcpu_id": vcpu}
            yield us, "kvm:kvm_entry", who
            yield us + 30, "kvm:kvm_exit", {"exit_reason": 12, "isa": 1, **who}


EVENTS = list(kvm_events())
LAST_US = EVENTS[-1][0]


@contextlib.contextmanager
def recordings(**made):
    """made: by name, what tiny.write_trace() takes beside the events. Yields a directory of these."""
    with tempfile.TemporaryDirectory() as directory:
        for name, how in made.items():
            pathlib.Path(directory, name).mkdir()
            tiny.write_trace(f"{directory}/{name}", EVENTS, **how)
        yield directory


BOOT = {"offset_s": 0, "hostname": "rack-7"}
WALL = {"offset_s": EPOCH, "hostname": "rack-8"}


def vmscope(*args, status=0):
    """Return: what it printed, and what it said."""
    done = subprocess.run([VMSCOPE, *args], env={**os.environ, "TZ": "UTC", "LC_ALL": "C"}, text=True, timeout=60,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
    assert done.returncode == status, f"{args}: {done.returncode}, not {status}\n{done.stderr}"
    return done.stdout, done.stderr


def analyzed(directory, *args):
    vms = f"{directory}/run.vms"
    vmscope("analyze", "-o", vms, *args)
    return vms


def without_dates(text):
    """Return: the text, which has neither a date nor a time of day."""
    found = re.search(r".*(1970|UTC|\d\d:\d\d:\d\d).*", text)
    assert not found, found[0]
    return text


def test_info():
    with recordings(perf=BOOT) as directory:
        out = without_dates(vmscope("info", f"{directory}/perf")[0])
        assert "time      12.345678000 s to 12.346658000 s after boot, +0.000980000 s\n" in out, out
        info = json.loads(vmscope("info", "--format", "json", f"{directory}/perf")[0])
        assert info["machines"][0]["clocks"][0]["origin"] == "boot"
    with recordings(perf=WALL) as directory:
        out = vmscope("info", f"{directory}/perf")[0]
        assert "time      2023-11-14 22:13:32.345678000 to 22:13:32.346658000Z, +0.000980000 s\n" in out, out


def test_complaints():
    with recordings(perf=BOOT, wall=WALL) as directory:
        for name in "perf", "wall":
            stream = pathlib.Path(directory, name, "stream")
            stream.write_bytes(stream.read_bytes()[:-3])
        for command in "info", "events":
            said = vmscope(command, f"{directory}/perf")[1]
            assert re.search(r", first at 12\.\d{9} s after boot", without_dates(said)), said
            said = vmscope(command, f"{directory}/wall")[1]
            assert re.search(r", first at 22:13:32\.\d{9}Z[,:]", said), said


def test_events_in_every_style():
    with recordings(perf=BOOT) as directory:
        plain = vmscope("events", f"{directory}/perf")[0]
        lines = without_dates(plain).splitlines()
        assert len(lines) == len(EVENTS)
        assert lines[0].startswith("[   12.345678000] (+?.?????????) rack-7 kvm:kvm_entry: "), lines[0]
        assert lines[1].startswith("[   12.345708000] (+0.000030000) rack-7 kvm:kvm_exit: "), lines[1]
        for style in "--clock-gmt", "--clock-date", "--clock-seconds":
            assert vmscope("events", style, f"{directory}/perf")[0] == plain, style
        lines = vmscope("events", "--format", "json", f"{directory}/perf")[0].splitlines()
        assert [json.loads(line)["ts"] for line in lines] == sorted(us * 1000 for us, _, _ in EVENTS)


def test_events_of_several_recordings_each_by_its_own_clock():
    with recordings(perf=BOOT, wall=WALL) as directory:
        lines = vmscope("events", "--clock-date", directory)[0].splitlines()
        n = len(EVENTS)
        assert len(lines) == 2 * n
        assert all(line.startswith("[   12.34") and " rack-7 " in line for line in lines[:n])
        assert all(line.startswith("[2023-11-14 22:13:32.34") and " rack-8 " in line for line in lines[n:])
        assert "] (+?.?????????) " in lines[n] and "] (+0.000" in lines[n + 1], lines[n]
        # Each from its own begin.
        lines = vmscope("events", "--begin", "+0.00094", "--end", "+0.0010", directory)[0].splitlines()
        assert [line.split("]")[0] for line in lines] == [
            "[   12.346628000", "[   12.346658000", "[22:13:32.346628000", "[22:13:32.346658000"], lines


def events_between(directory, *options):
    out = vmscope("events", "--format", "json", *options, f"{directory}/perf")[0]
    return [json.loads(line)["ts"] // 1000 for line in out.splitlines()]


def test_times_are_read_since_boot():
    with recordings(perf=BOOT) as directory:
        wanted = sorted(us for us, _, _ in EVENTS if FIRST_US + 200 <= us <= FIRST_US + 400)
        for begin, end in (("+0.0002", "+0.0004"), ("12.345878", "12.346078"), ("12345878000", "12346078000")):
            assert events_between(directory, "--begin", begin, "--end", end) == wanted, begin
        vms = analyzed(directory, f"{directory}/perf")
        for begin, end in (("+0.0002", "+0.0004"), ("12.345878", "12.346078"), ("12345878000", "12346078000")):
            out = vmscope("report", "--format", "json", "--begin", begin, "--end", end, vms)[0]
            span = json.loads(out)["span"]
            assert span == {"begin_ns": 12345878000, "end_ns": 12346078000, "time_origin": "boot"}, span
            out = vmscope("export", "--to", "csv", "--table", "vcpu_state", "--begin", begin, "--end", end, vms)[0]
            rows = list(csv.DictReader(io.StringIO(out)))
            assert min(int(r["ts"]) for r in rows) == 12345878000, begin
            assert sum(int(r["dur"]) for r in rows) == 2 * 200000, begin


def test_a_day_that_is_not_known_cannot_be_asked_for():
    with recordings(perf=BOOT, wall=WALL) as directory:
        trace, vms = f"{directory}/perf", analyzed(directory, f"{directory}/perf")
        for day in "22:13:32", "1970-01-01 00:00:12.3", "2023-11-14T22:13:32.3":
            for option in "--begin", "--end":
                for command in (["events", option, day, trace], ["report", option, day, vms],
                                ["export", "--to", "csv", "-o", f"{directory}/csv", option, day, vms]):
                    out, said = vmscope(*command, status=2)
                    assert out == "" and said.count("\n") == 1, said
                    for word in option, day, "does not know the time of day", "from boot", "+seconds":
                        assert word in said, said
        # Of several recordings it is said which one.
        said = vmscope("events", "--begin", "22:13:32", directory, status=2)[1]
        assert "'perf'" in said and "'wall'" not in said, said
        assert vmscope("events", "--begin", "22:13:32.34662", f"{directory}/wall")[0].count("\n") == 2


def test_report():
    with recordings(perf=BOOT) as directory:
        out = without_dates(vmscope("analyze", f"{directory}/perf")[0])
        assert out.startswith("980.0 us from 12.345678 s after boot by the clock of perf\n"), out
        out = json.loads(vmscope("analyze", "--format", "json", f"{directory}/perf")[0])
        assert out["span"] == {"begin_ns": FIRST_US * 1000, "end_ns": LAST_US * 1000 + 1, "time_origin": "boot"}
        machine = out["machines"][0]
        assert [machine[k] for k in ("name", "hostname", "clock", "time_origin", "tracer")] == [
            "perf", "rack-7", "c", "boot", "perf"], machine
        out = vmscope("analyze", "--format", "csv", "--section", "machines", f"{directory}/perf")[0]
        machine = next(csv.DictReader(io.StringIO(out)))
        assert (machine["hostname"], machine["time_origin"]) == ("rack-7", "boot"), machine


def test_recordings_that_count_from_different_times():
    with recordings(perf=BOOT, wall=WALL) as directory:
        vms = analyzed(directory, directory)
        out = without_dates(vmscope("report", vms)[0]).splitlines()[0]
        assert out.endswith(" from 12.345678 s by 2 clocks that are not related"), out
        out = json.loads(vmscope("report", "--format", "json", vms)[0])
        assert out["span"]["time_origin"] is None
        assert [m["time_origin"] for m in out["machines"] if m["trace_path"]] == ["boot", "epoch"]
        said = vmscope("report", "--begin", "22:13:32", vms, status=2)[1]
        assert "from an unknown time" in said, said
        # On one clock by the user's word: it is that of the first.
        vms = analyzed(directory, "--clock-offset", f"wall=-{EPOCH}000000000", "--vm", "wall=500",
                       f"{directory}/perf", f"wall={directory}/wall")
        assert json.loads(vmscope("report", "--format", "json", vms)[0])["span"]["time_origin"] == "boot"


def test_host_name_is_shown_where_it_differs():
    for name, shown in (("perf", True), ("rack-7", False)):
        with recordings(**{name: BOOT}) as directory:
            out = vmscope("analyze", "--section", "machines", f"{directory}/{name}")[0]
            first = "machine  host name  role" if shown else "machine  role"
            assert first in out and ("\n  perf     rack-7     host " in out) == shown, out


def test_html_and_perfetto():
    with recordings(perf=BOOT) as directory:
        vms = analyzed(directory, f"{directory}/perf")
        out = without_dates(vmscope("export", "--to", "html", vms)[0])
        assert "980.0&nbsp;&micro;s from 12.345678&nbsp;s after boot; " in out
        assert "<td>rack-7" in out
        out = without_dates(vmscope("export", "--to", "html", "--begin", "+0.0002", vms)[0])
        assert "+0.000200&nbsp;s to " in out and "begins at 12.345678&nbsp;s after boot; " in out
        vmscope("export", "--to", "perfetto", "-o", f"{directory}/trace", vms)
        assert perfetto_reader.Trace(f"{directory}/trace").clocks == {perfetto_reader.BOOTTIME: FIRST_US * 1000}


def test_the_server_says_what_times_count_from():
    with recordings(perf=BOOT, wall=WALL) as directory:
        for what, origin, machines in ((["perf"], "boot", ["boot"]), (["wall"], "epoch", ["epoch"]),
                                       (["perf", "wall"], None, ["boot", "epoch"])):
            vms = analyzed(directory, *(f"{directory}/{name}" for name in what))
            with service.serving(VMSCOPE, vms) as server:
                experiment, = server.experiments()
                assert experiment["time_origin"] == origin, experiment
                rows = server.get(f"/api/experiments/{experiment['id']}/rows").json
                assert [m["time_origin"] for m in rows["machines"] if m["parent"] is None] == machines


def test_machines_are_called_by_their_host_names():
    with recordings(perf=BOOT, wall=WALL) as directory:
        traces = f"{directory}/perf", f"{directory}/wall"

        def first_ns(*options):
            vms = analyzed(directory, *options, *traces)
            out = json.loads(vmscope("report", "--format", "json", vms)[0])
            return {m["name"]: m["first_ns"] for m in out["machines"] if m["trace_path"]}

        plain = first_ns()
        for name in "perf", "rack-7":
            assert first_ns("--clock-offset", f"{name}=7") == {**plain, "perf": plain["perf"] + 7}, name
        said = vmscope("analyze", "--clock-offset", "perf=7", "--clock-offset", "rack-7=7", *traces, status=1)[1]
        assert "'perf' and 'rack-7' are the same machine" in said, said
        said = vmscope("analyze", "--vm", "rack-9=500", *traces, status=1)[1]
        assert "process 500 entered a guest on perf, and one on wall" in said, said
        out = vmscope("analyze", "--vm", "rack-8=500", "--section", "machines", *traces)[0]
        assert "wall runs on perf: said by the user" in out, out
    with recordings(a=BOOT, b=BOOT) as directory:
        said = vmscope("analyze", "--tsc", "rack-7=5", directory, status=1)[1]
        assert "'rack-7' is the host name of more than one machine" in said, said


tap.run(dict(globals()))
