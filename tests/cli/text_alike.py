#!/usr/bin/python3
"""text_alike.py VMSCOPE TRACE...: `vmscope events` prints the same text as babeltrace2; as TAP.

The lines of both must be equal, but for events of the same time on different CPUs, which may come in
any order (so lines are compared sorted, without the time since the one before).
"""
import re
import subprocess
import sys


def lines(command):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True)
    # Of bytes that are no UTF-8 vmscope shows the names.
    return done.stdout.decode("utf-8", "backslashreplace").splitlines()


def comparable(text):
    """Without what differs on purpose: our lines for lost events, and exact floating-point numbers."""
    kept = (line for line in text if " (lost): " not in line)
    return sorted(re.sub(r" \([-+][\d?.]+\) ", " ", line).replace("0.3333333333333333", "0.333333")
                  for line in kept)


def first_difference(ours, theirs):
    for one, other in zip(ours, theirs):
        if one != other:
            return f"# vmscope:     {one}\n# babeltrace2: {other}\n"
    return f"# {len(ours)} and {len(theirs)} lines\n"


def main():
    vmscope, *traces = sys.argv[1:]
    failed = False
    print(f"1..{len(traces)}")
    for number, trace in enumerate(traces, 1):
        ours = comparable(lines([vmscope, "events", "--clock-gmt", trace]))
        theirs = comparable(lines(["babeltrace2", "--clock-gmt", trace]))
        good = ours == theirs and len(ours) > 0
        failed |= not good
        print(f"{'ok' if good else 'not ok'} {number} - {trace}: {len(ours)} lines")
        if not good:
            print(first_difference(ours, theirs), end="")
    sys.exit(1 if failed else 0)


main()
