#!/usr/bin/python3
"""embed_views.py VIEWS STATES OUTPUT: the views of an SQL file as initializers of struct sql_view.

STATES is schema/state.def, which says what states there are, and in which sets they are. A view of the sums of all
states (*_state_total) has to name each.
"""
import json
import re
import sys

STATE = re.compile(r'^(VCPU|THREAD|CPU)_STATE\(\w+, "([^"]+)", "#\w+", ([^,]+),', re.M)
TOTAL = re.compile(r"\b(vcpu|thread|cpu)_state_total\b")


def read_states(path):
    """{kind: {name: its sets}}"""
    states = {}
    with open(path, encoding="ascii") as f:
        for kind, name, sets in STATE.findall(f.read()):
            states.setdefault(kind, {})[name] = re.findall(r"STATE_(\w+)", sets)
    return states


def check(view, select, states):
    for kind in set(TOTAL.findall(select)):
        missing = [name for name in states[kind.upper()] if f"'{name}'" not in select]
        if missing:
            sys.exit(f"view {view} leaves out the state {missing[0]} of {kind}_state")


def main():
    states = read_states(sys.argv[2])

    def in_set(match):
        return ", ".join(f"'{name}'" for name, sets in states[match[1]].items() if match[2] in sets)

    with open(sys.argv[1], encoding="ascii") as f:
        parts = re.split(r"^--- (\w+): (.*)\n", f.read(), flags=re.M)[1:]
    with open(sys.argv[3], "w", encoding="ascii") as out:
        for name, text, select in zip(parts[::3], parts[1::3], parts[2::3]):
            check(name, select, states)
            select = re.sub(r"@(VCPU|THREAD|CPU)_(\w+)@", in_set, select.strip().rstrip(";"))
            words = json.dumps(name), json.dumps(text), json.dumps(select)
            out.write("{%s, %s, %s},\n" % words)


main()
