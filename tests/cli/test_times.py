#!/usr/bin/python3
"""
test_times.py VMSCOPE: times of day with and without a zone, and +seconds, mean the same in every command; as TAP.

The recording: a VM of one vCPU that runs for 10 s, from 2023-11-14 22:13:20.25 UTC on. Its packet begins 1.3 s before.
"""
import json
import os
import pathlib
import re
import struct
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path += [str(HERE.parent), str(HERE.parent / "analyze")]
import tap  # noqa: E402 pylint: disable=wrong-import-position
import tiny  # noqa: E402 pylint: disable=wrong-import-position

VMSCOPE = os.path.abspath(sys.argv[1])
EPOCH = 1700000000  # 2023-11-14 22:13:20 UTC
FIRST = EPOCH * 10**9 + 250 * 10**6
LENGTH = 10 * 10**9
UTC, BERLIN, NEWFOUNDLAND = "UTC", "CET-1", "NST3:30"  # UTC+1 and UTC-3:30, for POSIX

scratch = tempfile.TemporaryDirectory()
TRACE, VMS = f"{scratch.name}/host", f"{scratch.name}/host.vms"


def events():
    for us in range(250000, 10250000, 100000):
        who = {"perf_tid": 31, "perf_pid": 30, "vcpu_id": 0}
        yield us, "kvm:kvm_entry", who
        yield us + 50000, "kvm:kvm_exit", {"exit_reason": 12, "isa": 1, **who}
    yield 10250000, "kvm:kvm_entry", who


def vmscope(*args, zone=UTC, status=0):
    done = subprocess.run([VMSCOPE, *args], env={**os.environ, "TZ": zone, "LC_ALL": "C"}, text=True, timeout=60,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
    assert done.returncode == status, f"{args}: {done.returncode}, not {status}\n{done.stderr}"
    return done.stdout if not status else done.stderr


def make():
    pathlib.Path(TRACE).mkdir()
    tiny.write_trace(TRACE, list(events()), offset_s=EPOCH)
    stream = bytearray(pathlib.Path(TRACE, "stream").read_bytes())
    begin, = struct.unpack_from("<Q", stream, 4)
    assert begin == 250000000
    struct.pack_into("<Q", stream, 4, begin - 240000000)
    pathlib.Path(TRACE, "stream").write_bytes(stream)
    vmscope("analyze", "-o", VMS, TRACE)


make()


def of_report(begin, **how):
    span = json.loads(vmscope("report", "--format", "json", "--begin", begin, VMS, **how))["span"]
    return span["begin_ns"] - FIRST


def of_events(begin, **how):
    out = vmscope("events", "--format", "json", "--begin", begin, TRACE, **how)
    return json.loads(out.splitlines()[0])["ts"] - FIRST


def of_export(begin, **how):
    out = vmscope("export", "--to", "csv", "--table", "vcpu_state", "--begin", begin, VMS, **how)
    return int(out.splitlines()[1].split(",")[out.splitlines()[0].split(",").index("ts")]) - FIRST


def of_check(begin, **how):
    """By how much is left, of which one half is time in the guest; to the ms."""
    out = vmscope("check", "--format", "json", "--begin", begin, VMS, "--limit", "* run > 0s", **how)
    return LENGTH - 2 * (json.loads(out)["limits"][0]["value"] // 10**6 * 10**6)


def of_diff(begin, **how):
    out = vmscope("diff", "--format", "json", "--begin", begin, VMS, VMS, **how)
    return json.loads(out)["before"]["begin_ns"] - FIRST


COMMANDS = [of_report, of_events, of_export, of_check, of_diff]


def test_seconds_are_from_the_first_event_in_every_command():
    for seconds in 0, 0.1, 5, 9.9:
        for command in COMMANDS:
            assert command(f"+{seconds}") == round(seconds * 10**9), (command.__name__, seconds)


def test_a_zone_is_read_and_local_time_is_without_one():
    for zone, local in (UTC, "22:13:22.25"), (BERLIN, "23:13:22.25"), (NEWFOUNDLAND, "18:43:22.25"):
        date = "2023-11-14"
        for text in (local, f"{date} {local}", f"{date}T{local}", "22:13:22.25Z", "22:13:22.25 Z", "22:13:22.25 UTC",
                     f"{date}T22:13:22.25Z", "23:13:22.25+01:00", f"{date}T23:13:22.25+0100", "18:43:22.25-03:30",
                     "2023-11-15 00:13:22.25+02", "00:13:22.25+02:00"):
            for command in COMMANDS:
                assert command(text, zone=zone) == 2 * 10**9, (command.__name__, zone, text)


def test_utc_is_for_both_directions():
    for option in "--utc", "--clock-gmt":
        out = vmscope("report", option, "--begin", "22:13:22.25", VMS, zone=BERLIN)
        assert out.startswith("8.000 s, from +2 s to +10.000000001 s (--begin 22:13:22.25), of\n"
                              "10.00 s from 2023-11-14 22:13:20Z by "), out
        out = vmscope("events", option, "--begin", "22:13:22.25", TRACE, zone=BERLIN)
        assert out.startswith("[22:13:22.250000000] "), out
    out = vmscope("analyze", "--utc", TRACE, zone=BERLIN)
    assert out.startswith("10.00 s from 2023-11-14 22:13:20Z by "), out
    out = vmscope("export", "--to", "html", "--utc", VMS, zone=BERLIN)
    assert " from 2023-11-14 22:13:20Z" in out


def test_what_is_printed_has_its_zone_and_is_read_back():
    for zone, head, span in (
            (UTC, "2023-11-14 22:13:20Z", "2023-11-14 22:13:20.250000000 to 22:13:30.250000000Z"),
            (BERLIN, "2023-11-14 23:13:20+01:00", "2023-11-14 23:13:20.250000000 to 23:13:30.250000000+01:00"),
            (NEWFOUNDLAND, "2023-11-14 18:43:20-03:30", "2023-11-14 18:43:20.250000000 to 18:43:30.250000000-03:30")):
        out = vmscope("report", VMS, zone=zone).splitlines()[0]
        assert out.startswith(f"10.00 s from {head} by the clock of "), out
        assert f" from {head}" in vmscope("export", "--to", "html", VMS, zone=zone)
        assert f"  time      {span}, +" in vmscope("info", TRACE, zone=zone)
        # Before the first event, by less than a second.
        assert of_report(head, zone=UTC) == 0 and of_report(head, zone=BERLIN) == 0
        said = vmscope("report", "--begin", "+11", VMS, zone=zone, status=2)
        first = re.search(r" from (2023-.*?) to ", said)[1]
        assert of_report(first) == 0 and of_events(first) == 0 and first.startswith(head[:19]), said


def test_a_range_outside_is_a_usage_error_that_names_the_span():
    for begin, end in ("+10.1", None), ("+11", "+12"), (None, "22:13:19Z"), ("2023-11-15 22:13:22Z", None), ("1", "2"):
        options = [*(["--begin", begin] if begin else []), *(["--end", end] if end else [])]
        for command in (["report", VMS], ["events", TRACE], ["export", "--to", "csv", "--table", "vm_exit", VMS],
                        ["check", VMS, "--limit", "* run > 0s"], ["diff", VMS, VMS]):
            said = vmscope(*command, *options, status=2)
            assert said.count("\n") == 1 and " ".join(options) + " is outside of the " in said, said
            assert re.search(r"from 2023-11-14 22:13:20\.250000000Z to 22:13:30\.25000000\dZ "
                             r"\(\+0 to \+10\.00000000\d s\)", said), said
    for command in ["report", VMS], ["events", TRACE], ["export", "--to", "csv", "--table", "vm_exit", VMS]:
        said = vmscope(*command, "--begin", "+2", "--end", "+1", status=2)
        assert said.count("\n") == 1 and "--end +1" in said and "--begin +2" in said, said


def test_what_lies_partly_outside_is_cut():
    out = vmscope("report", "--begin", "22:13:00Z", "--end", "+2", VMS).splitlines()[0]
    assert out == "2.000 s, from +0 s to +2 s (--begin 22:13:00Z --end +2), of", out
    span = json.loads(vmscope("report", "--format", "json", "--begin", "+9", "--end", "+100", VMS))["span"]
    assert (span["begin_ns"], span["end_ns"]) == (FIRST + 9 * 10**9, FIRST + LENGTH + 1), span


def test_what_is_no_zone():
    for text in ("22:13:22z1", "22:13:22Q", "22:13:22+1", "22:13:22+01:0", "22:13:22+01:000", "22:13:22+25", "22:13:22+01:60",
                 "22:13:22+0160", "22:13:22-", "22:13:22 ", "22:13:22ZZ", "+5Z", "1700000000Z", "2023-11-14Z"):
        for command in ["report", VMS], ["events", TRACE], ["check", VMS, "--limit", "* run > 0s"]:
            said = vmscope(*command, "--begin", text, status=2)
            assert said.count("\n") == 1 and f"'{text}' is no time" in said, said


tap.run(dict(globals()))
