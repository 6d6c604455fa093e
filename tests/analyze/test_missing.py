#!/usr/bin/python3
"""test_missing.py VMSCOPE SIM: what a recording lacks is said in the words of the tracer that made it; as TAP."""
import json
import pathlib
import re
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import tap  # noqa: E402 pylint: disable=wrong-import-position

VMSCOPE, SIM = sys.argv[1:3]
ENDS = {"ctf": "", "trace.dat": ".dat", "perf.data": ".perf.data"}


def run(*args):
    return subprocess.run([VMSCOPE, *map(str, args)], check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                          text=True).stdout


def simulated(directory, form, *options):
    """Return: the host's recording."""
    subprocess.run([SIM, "--format", form, "--no-truth", "--duration", "0.2", "--seed", "3", *options, directory], check=True)
    return pathlib.Path(directory, "host" + ENDS[form])


def missing(path):
    """Return: {event: (state, without)}."""
    machine, = json.loads(run("info", "--format", "json", path))["machines"]
    return {m["event"]: (m["state"], m["without"]) for m in machine["missing"]}


def hide(path, event):
    """The file goes on describing the event, but what it calls so was never recorded."""
    data = path.read_bytes()
    found = re.search(rb"name: %s\nID: (\d+)\n" % event.encode(), data)
    other = b"9" * len(found[1])  # an event that is described nowhere
    assert b"ID: %s\n" % other not in data
    path.write_bytes(data[:found.start(1)] + other + data[found.end(1):])


def warning(path, name):
    """Return: what the report says of a kind of warning, as one line."""
    text = re.search(rf"{name}, \d+ times?\n((?: {{6}}.*\n)+)", run("analyze", "--section", "diag", path))
    return " ".join(text[1].split()) if text else ""


def test_trace_cmd_is_asked_for_nothing_that_it_cannot_record():
    with tempfile.TemporaryDirectory() as directory:
        lacks = missing(simulated(directory, "trace.dat"))
    assert lacks and not any(re.search("lttng|vmsync|x86|:", event) for event in lacks), lacks
    assert {state for state, _ in lacks.values()} <= {"not described", "not recorded"}, lacks


def test_perf_knows_threads_without_being_asked():
    with tempfile.TemporaryDirectory() as directory:
        lacks = missing(simulated(directory, "perf.data"))
    assert lacks and all(re.fullmatch(r"[a-z_]+:[a-z_]+", event) for event in lacks), lacks
    assert not any("process" in event for event in lacks), lacks
    assert {state for state, _ in lacks.values()} <= {"not described", "never recorded"}, lacks


def test_lttng_is_asked_for_its_state_dump():
    with tempfile.TemporaryDirectory() as directory:
        lacks = missing(simulated(directory, "ctf", "--no-statedump"))
        assert {"lttng_statedump_process_state", "kvm_x86_nested_vmexit_inject"} <= set(lacks), lacks
        assert not any(":" in event or event.startswith("kvm_nested") for event in lacks), lacks


def test_what_is_described_need_not_have_been_enabled():
    """A trace.dat describes all events that its kernel has."""
    with tempfile.TemporaryDirectory() as directory:
        path = simulated(directory, "trace.dat")
        assert "sched_switch" not in missing(path) and "sched_switch" not in warning(path, "events-not-recorded")
        hide(path, "sched_switch")
        state, without = missing(path)["sched_switch"]
        assert state == "not recorded" and "vCPUs are found" in without, (state, without)
        text = run("info", path)
        assert "sched_switch (essential)" in text and "none recorded (not enabled, or it never happened)" in text
        assert warning(path, "events-not-recorded").endswith(
            "sched_switch: vCPUs are found and their exits timed, but whether a vCPU slept, waited or worked between an exit "
            "and the next entry is not known"), warning(path, "events-not-recorded")


def test_timers_name_who_keeps_a_vcpu_waiting():
    with tempfile.TemporaryDirectory() as directory:
        path = simulated(directory, "trace.dat")
        hide(path, "hrtimer_expire_entry")
        assert "hrtimer_expire_entry" in missing(path), missing(path)


tap.run(globals())
