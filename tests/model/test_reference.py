#!/usr/bin/python3
"""test_reference.py LANES DATA: one-qemu-kvm is understood as Trace Compass understands it; as TAP."""
import pathlib
import sys

from lanes import Lanes, Tap

VMM, PREEMPTED = 128, 256  # flags of its status; 2 is running
FROM = 10                  # before, it does not know the vCPU yet
VM_UID = 123456            # in the events themselves


def rows(path):
    """Its intervals, with ends that are not part of them."""
    for line in path.read_text().splitlines():
        if line and not line.startswith("#"):
            name, begin, end, _, value = line.split("\t")
            yield name, int(begin), int(end) + 1, value


def state_of(status):
    if status & PREEMPTED:
        return "preempted"
    return "hypervisor" if status & VMM else "guest"


def expected_states(path):
    states = {}
    for name, begin, end, value in rows(path):
        if name.endswith("/0/Status"):
            states.update(dict.fromkeys(range(begin, end), state_of(int(value))))
    return {t: s for t, s in states.items() if t >= FROM}


def different(lanes, expected):
    found = {t: i.state for i in lanes.intervals[0] for t in range(i.begin, i.end)}
    for t, state in sorted(expected.items()):
        if found.get(t) != state:
            yield f"at {t}: {found.get(t)}, not {state}"


def wrong_model(lanes, path):
    thread = [int(value) for name, _, _, value in rows(path)
              if name == "host.xml/Guests/guest.xml/CPUs/0" and value != "null"]
    roles = {m.name: m.role for m in lanes.machines}
    if roles != {"guest": "guest", "host": "host"}:
        yield f"roles are {roles}"
    if [(v.name, v.vm_uid) for v in lanes.vms] != [("guest", VM_UID)]:
        yield f"VMs are {lanes.vms}"
    if [[v.tid] for v in lanes.vcpus] != [thread] or lanes.vcpus[0].index != 0:
        yield f"vCPUs are {lanes.vcpus}, its thread is {thread}"


def main():
    program, data = sys.argv[1], pathlib.Path(sys.argv[2])
    lanes = Lanes(program, data / "one-qemu-kvm")
    expected = expected_states(data / "reference" / "OneQemuKvm.vcpu.txt")
    tap = Tap()
    tap.result([] if len(expected) > 300 else ["nothing to compare"], "the reference is there")
    tap.result(different(lanes, expected), "vCPU 0 is in the same state at every time")
    tap.result(wrong_model(lanes, data / "reference" / "OneQemuKvm.model.txt"),
               "the same thread is vCPU 0 of the same VM")
    tap.result(lanes.broken(), "the laws hold")
    sys.exit(tap.end())


main()
