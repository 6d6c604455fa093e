"""perf script -i PERF.DATA -s oracle_perf.py: the samples of a perf.data as perf itself finds them, by libtraceevent.

Run by perf, which calls the functions below. A JSON object a line, with the keys of perfdata_reader.py that perf gives: all but
misc and, of the context, all but process and thread.
"""
import json
import sys

ALL_CPUS = 0xffffffff


def plain(value):
    """What perf makes of a field, as JSON can write it."""
    if isinstance(value, (bytes, bytearray)):
        return list(value)
    return [plain(element) for element in value] if isinstance(value, list) else value


def write(sample, keys):
    cpu = sample["cpu"]
    line = {"raw": sample["time"], "cpu": None if cpu == ALL_CPUS else cpu, "pid": sample["pid"], "tid": sample["tid"]}
    sys.stdout.write(json.dumps(line | keys) + "\n")


def trace_unhandled(name, _, fields, found):
    """A tracepoint."""
    system, event = found["ev_name"].split(":", 1)
    own = {key: plain(value) for key, value in fields.items() if not key.startswith("common_")}
    write(found["sample"], {"system": system, "name": event, "fields": own})


def process_event(found):
    """Any other event."""
    write(found["sample"], {"system": None, "name": found["ev_name"], "fields": {}})
