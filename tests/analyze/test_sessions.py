#!/usr/bin/python3
"""test_sessions.py VMSCOPE: several recordings of one machine since it was booted; as TAP."""
import json
import pathlib
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import tap  # noqa: E402 pylint: disable=wrong-import-position
import tiny  # noqa: E402 pylint: disable=wrong-import-position

VMSCOPE = sys.argv[1]
BOOT = {"hostname": "hv", "clock": 7}
SCHED = "sched_switch", "lttng_statedump_process_state"


def session(begin_us, exits):
    """A vCPU's thread comes, is 100 us in the guest again and again, 10 us out of it, and goes to sleep."""
    us = begin_us + 1
    events = [(begin_us, "lttng_statedump_process_state", {"tid": 31, "pid": 30, "name": "CPU 0/KVM"}),
              (us, "sched_switch", {"prev_comm": "swapper/0", "prev_tid": 0, "prev_state": 0,
                                    "next_comm": "CPU 0/KVM", "next_tid": 31})]
    for _ in range(exits):
        events += [(us + 9, "kvm_x86_entry", {"vcpu_id": 0}),
                   (us + 109, "kvm_x86_exit", {"exit_reason": 30, "isa": 1})]
        us += 110
    return events + [(us, "sched_switch", {"prev_comm": "CPU 0/KVM", "prev_tid": 31, "prev_state": 1,
                                           "next_comm": "swapper/0", "next_tid": 0})]


def between(events, begin_us, end_us, wanted=lambda name: True):
    return [e for e in events if begin_us <= e[0] < end_us and wanted(e[1])]


def analyzed(recordings, query, *options, arguments=("",)):
    """recordings: {path: (events, how)}. Return: the rows."""
    with tempfile.TemporaryDirectory() as directory:
        for path, (events, how) in recordings.items():
            pathlib.Path(directory, path).mkdir(parents=True)
            tiny.write_trace(f"{directory}/{path}", events, **how)
        vms = f"{directory}/x.vms"
        named = [a.replace("=", f"={directory}/") if "=" in a else f"{directory}/{a}" for a in arguments]
        subprocess.run([VMSCOPE, "analyze", "-o", vms, *options, *named], check=True, timeout=60,
                       stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        rows = subprocess.run([VMSCOPE, "query", "--format", "json", vms, query], check=True, timeout=60,
                              stdout=subprocess.PIPE).stdout
    return [tuple(row.values()) for row in json.loads(rows)]


MACHINES = "SELECT name FROM machine WHERE trace_path IS NOT NULL ORDER BY id"
EXITS = "SELECT m.name, v.exits FROM vcpu v JOIN machine m ON m.id = v.machine_id"
STATES = "SELECT state, sum(dur) / 1000 FROM vcpu_state GROUP BY state ORDER BY state"
LANE = "SELECT state, ts % 1000000000 / 1000, (ts + dur) % 1000000000 / 1000 FROM vcpu_state ORDER BY ts"


def test_one_after_the_other():
    two = {"s0": (session(0, 10), BOOT), "s1": (session(5000, 10), BOOT)}
    assert analyzed(two, MACHINES) == [("hv",)]
    assert analyzed(two, EXITS) == [("vm-30", 20)]
    lane = analyzed(two, LANE)
    # From the end of the first to the second's switch that tells who runs.
    assert [row for row in lane if row[0] == "unknown" and row[2] - row[1] > 100] == [("unknown", 1101, 5001)], lane


def test_different_events_each():
    """Only while both record is anything known; and that is what one recording of all would say."""
    whole = session(0, 30)
    parts = {"kvm": (between(whole, 0, 2000, lambda name: name not in SCHED), BOOT),
             "sched": (between(whole, 0, 9000, lambda name: name in SCHED), BOOT)}
    lane = analyzed(parts, LANE)
    alone = analyzed({"all": (between(whole, 0, 2000), BOOT)}, LANE)
    last = parts["kvm"][0][-1][0]
    begin = parts["kvm"][0][0][0]
    assert [row for row in lane if begin <= row[1] and row[2] <= last] == \
        [row for row in alone if begin <= row[1] and row[2] <= last], (lane, alone)
    assert {row[0] for row in lane if row[1] > last} <= {"unknown", "blocked"}, lane


def test_what_both_have_counts_once():
    whole = session(0, 30)
    parts = {"a": (between(whole, 0, 2000), BOOT), "b": (between(whole, 1000, 9000), BOOT)}
    assert analyzed(parts, EXITS) == [("vm-30", 30)]
    assert analyzed(parts, STATES) == analyzed({"all": (whole, BOOT)}, STATES)


def test_a_difference_to_the_time_of_day_that_was_measured_anew():
    parts = {"a": (session(0, 10), BOOT), "b": (session(5000, 10), dict(BOOT))}
    lane = analyzed(parts, LANE)
    parts["b"][1]["offset_ns"] = 777000
    assert analyzed(parts, MACHINES) == [("hv",)]
    assert analyzed(parts, LANE) == lane


def test_other_machines():
    first = session(0, 10), BOOT
    for how in ({"hostname": "hw"}, {"clock": 8}, {"clock": 0}, {"offset_s": 1600000000}):
        assert len(analyzed({"s0": first, "s1": (session(5000, 10), {**BOOT, **how})}, MACHINES)) == 2, how
    two = {"s0": first, "s1": (session(5000, 10), BOOT)}
    assert analyzed(two, MACHINES, arguments=("a=s0", "b=s1")) == [("a",), ("b",)]
    assert analyzed(two, MACHINES, arguments=("a=s0", "s1")) == [("a",)]


def test_vms_of_several_hosts():
    two = {name: (session(0, 10), {"hostname": name}) for name in ("first-host-of-all", "second-host-of-all")}
    assert analyzed(two, "SELECT name FROM machine WHERE trace_path IS NULL ORDER BY name") == [
        ("first-host-of-all/vm-30",), ("second-host-of-all/vm-30",)]
    with tempfile.TemporaryDirectory() as directory:
        for name, (events, how) in two.items():
            pathlib.Path(directory, name).mkdir()
            tiny.write_trace(f"{directory}/{name}", events, **how)
        report = subprocess.run([VMSCOPE, "analyze", directory], check=True, timeout=60, text=True,
                                stdout=subprocess.PIPE).stdout
        assert "first-ho../vm-30" in report and "second-h../vm-30" in report, report
        said = subprocess.run([VMSCOPE, "analyze", "--vm", "web=30", directory], check=False, timeout=60, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        assert said.returncode == 1 and "on first-host-of-all, and one on second-host-of-all" in said.stderr, said


def test_the_parts_of_one_recording_are_called_by_the_host():
    parts = {f"x/archives/2026{i}-{i}": (session(5000 * i, 10), {**BOOT, "uuid": 3}) for i in range(3)}
    for argument in "x", "x/archives":
        assert analyzed(parts, MACHINES, arguments=(argument,)) == [("hv",)], argument


tap.run(globals())
