#!/usr/bin/python3
"""test_sample.py LANES SAMPLE [bt2]: the sample recording is analyzed right; as TAP.

With bt2, entries and exits are counted by babeltrace2, too.
"""
import collections
import sys

from lanes import Lanes, Tap

GUEST_NS = 7_773_000_000      # in the guest until the first host event; to the ms
ENTRIES = 12_855
# Monotonic clocks of host and guest, from TSC and TSC offset (samples/README.md), to some 0.3 us.
MONOTONIC_DIFFERENCE = 18_663_829_324
CLOCK_OFFSETS = 1795396634974587812 - 1795396653061998529  # of the traces' clocks, host - guest


def wrong_vcpu(lanes):
    if [(v.tid, v.index) for v in lanes.vcpus] != [(142, 0)]:
        yield f"vCPUs are {lanes.vcpus}"
    if (lanes.vcpus[0].entries, lanes.vcpus[0].exits) != (ENTRIES, ENTRIES):
        yield f"entries and exits are {lanes.vcpus[0]}"
    if lanes.totals[0]["guest"] // 1_000_000 != GUEST_NS // 1_000_000:
        yield f"in the guest for {lanes.totals[0]['guest']} ns"
    if len(lanes.exits[0]) != ENTRIES or lanes.contradictions:
        yield f"{len(lanes.exits[0])} exits told, {lanes.contradictions} contradictions"


def wrong_clock(lanes):
    clock = {m.name: c for m, c in zip(lanes.machines, lanes.clocks)}["g1"]
    truth = MONOTONIC_DIFFERENCE + CLOCK_OFFSETS
    if clock.method == "none" or clock.error < 0:
        yield f"not synchronized: {clock}"
    elif abs(clock.offset - truth) > clock.error:
        yield f"{clock} does not contain {truth}, it is {clock.offset - truth} off"


def wrong_counts(lanes, sample):
    import bt2

    counts = collections.Counter(
        m.event.name for m in bt2.TraceCollectionMessageIterator(f"{sample}/host")
        if type(m) is bt2._EventMessageConst)
    told = sum(v.entries for v in lanes.vcpus), sum(v.exits for v in lanes.vcpus)
    if told != (counts["kvm_x86_entry"], counts["kvm_x86_exit"]):
        yield f"{told} entries and exits; babeltrace2 counts {counts}"


def main():
    program, sample = sys.argv[1:3]
    lanes = Lanes(program, sample)
    tap = Tap()
    tap.result(wrong_vcpu(lanes), "the vCPU, its exits and its time in the guest")
    tap.result(wrong_clock(lanes), "the clocks' true difference lies within the error bound")
    tap.result(lanes.broken(), "the laws hold")
    if "bt2" in sys.argv:
        tap.result(wrong_counts(lanes, sample), "babeltrace2 counts the same entries and exits")
    sys.exit(tap.end())


main()
