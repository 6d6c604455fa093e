#!/usr/bin/python3
"""differential.py VMSCOPE TRACE...: vmscope reads what babeltrace2 reads; as TAP.

Every event of every CTF trace at or below each TRACE is decoded by both, and time, CPU, name and all
fields of all contexts and of the payload must be equal, and so the losses that tracers counted. The order is compared per CPU: between CPUs,
events of the same time may come in any order.
"""
import codecs
import collections
import itertools
import json
import pathlib
import subprocess
import sys

import bt2

SHOWN = 5


def one_mark_per_byte(error):
    return "\ufffd" * (error.end - error.start), error.end


codecs.register_error("marks", one_mark_per_byte)


def text(field):
    # babeltrace2 2.0.4 leaves the text of the field's last use in an empty string; its length is right.
    raw = str(field).encode("utf-8", "surrogateescape") if len(field) else b""
    return raw.decode("utf-8", "marks")


def labels(field):
    try:
        return sorted(set(field.labels))
    except AssertionError:  # so babeltrace2 2.0.4 says that a value has no label
        return []


def value(field):
    """A bt2 field as the JSON that vmscope writes for it."""
    if isinstance(field, bt2._VariantFieldConst):
        return value(field.selected_option)
    if isinstance(field, (bt2._UnsignedEnumerationFieldConst, bt2._SignedEnumerationFieldConst)):
        return {"value": int(field), "labels": labels(field)}
    if isinstance(field, bt2._IntegerFieldConst):
        return int(field)
    if isinstance(field, bt2._RealFieldConst):
        return float(field)
    if isinstance(field, bt2._StringFieldConst):
        return text(field)
    if isinstance(field, bt2._StructureFieldConst):
        return {name: value(member) for name, member in field.items()}
    if isinstance(field, bt2._ArrayFieldConst):
        return [value(element) for element in field]
    raise TypeError(type(field))


def expected(message):
    """What vmscope should say of bt2's event message."""
    event = message.event
    line = {"ts": message.default_clock_snapshot.ns_from_origin, "name": event.name, "cpu": None}
    packet = value(event.packet.context_field) if event.packet.context_field is not None else {}
    if "cpu_id" in packet:
        line["cpu"] = packet.pop("cpu_id")
    if packet:
        line["packet"] = packet
    for key, field in (("context", event.common_context_field),
                       ("event_context", event.specific_context_field),
                       ("fields", event.payload_field)):
        if field is not None:
            line[key] = value(field)
    return line


def normal(got):
    """Labels in any order."""
    if isinstance(got, dict):
        if got.keys() == {"value", "labels"}:
            return {"value": got["value"], "labels": sorted(set(got["labels"]))}
        return {key: normal(member) for key, member in got.items()}
    return [normal(element) for element in got] if isinstance(got, list) else got


def by_babeltrace2(directory, lost):
    """Yields the events; the numbers of discarded ones are appended to `lost`."""
    for message in bt2.TraceCollectionMessageIterator(str(directory)):
        if type(message) is bt2._EventMessageConst:
            yield expected(message)
        elif type(message) is bt2._DiscardedEventsMessageConst:
            lost.append(message.count)


def by_vmscope(vmscope, directory, lost):
    with subprocess.Popen([vmscope, "events", "--format", "json", directory],
                          stdout=subprocess.PIPE) as process:
        for line in process.stdout:
            event = normal(json.loads(line))
            del event["trace"]
            if "lost" in event:
                lost.append(event["lost"]["events"])
            else:
                yield event
    if process.returncode:
        yield {"cpu": None, "exit status": process.returncode}


def pairs(left, right):
    """Events of both sides that are at the same place on the same CPU; None where a side has no more."""
    waiting = collections.defaultdict(lambda: (collections.deque(), collections.deque()))
    for two in itertools.zip_longest(left, right):
        for side, event in enumerate(two):
            if event is None:
                continue
            queues = waiting[event["cpu"]]
            if queues[1 - side]:
                other = queues[1 - side].popleft()
                yield (event, other) if side == 0 else (other, event)
            else:
                queues[side].append(event)
    for ours, theirs in waiting.values():
        yield from ((event, None) for event in ours)
        yield from ((None, event) for event in theirs)


def compare(vmscope, directory):
    """Return: (number of events, up to SHOWN differences, number of differences)."""
    n = different = 0
    shown, lost, lost_theirs = [], [], []
    for ours, theirs in pairs(by_vmscope(vmscope, directory, lost),
                              by_babeltrace2(directory, lost_theirs)):
        n += 1
        if ours != theirs:
            different += 1
            if len(shown) < SHOWN:
                shown.append(f"vmscope:     {ours}\nbabeltrace2: {theirs}")
    if sorted(lost) != sorted(lost_theirs):
        different += 1
        shown.append(f"vmscope lost {lost}, babeltrace2 {lost_theirs}")
    return n, shown, different


def main():
    vmscope, *roots = sys.argv[1:]
    traces = sorted(m.parent for root in roots for m in pathlib.Path(root).rglob("metadata"))
    print(f"1..{len(traces) or 1}")
    failed = not traces
    if not traces:
        print(f"not ok 1 - no CTF trace below {' '.join(roots)}")
    for number, directory in enumerate(traces, 1):
        n, shown, different = compare(vmscope, directory)
        good = n and not different
        failed |= not good
        print(f"{'ok' if good else 'not ok'} {number} - {directory}: {n} events, {different} different",
              flush=True)
        for difference in shown:
            print("".join(f"# {line}\n" for line in difference.splitlines()), end="")
    sys.exit(1 if failed else 0)


main()
