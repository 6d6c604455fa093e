#!/usr/bin/python3
"""test_fields.py VMSCOPE ORACLE FILE...: vmscope reads of trace.dat and perf.data what others read; as TAP.

Number, order, time, CPU, instance, name and all fields of every event are compared:

- those of `vmscope events` with the slow second reader beside this file (tracedat_reader.py, perfdata_reader.py),
- those of the second reader with ORACLE (oracle_tracedat.c: libtracecmd and libtraceevent), where it is not "",
- those of the second reader with `perf script` (oracle_perf.py), where perf is installed and can read the file.

Any recording may be given. With VMSCOPE "", the others are compared with one another.
"""
import collections
import itertools
import json
import os
import pathlib
import shutil
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

import perfdata_reader  # noqa: E402 pylint: disable=wrong-import-position
import tap  # noqa: E402 pylint: disable=wrong-import-position
import tracedat_reader  # noqa: E402 pylint: disable=wrong-import-position
import tracepoint  # noqa: E402 pylint: disable=wrong-import-position

HERE = os.path.dirname(os.path.abspath(__file__))
SHOWN = 5
GUEST_MODES = (4, 5)  # of a perf record's misc: perf script leaves out samples of guests that it does not know
CPU_MODE = 7


class Differences:
    """Counts what differs, and keeps the first ones."""

    def __init__(self, ours, theirs):
        self.names = ours, theirs
        self.n = self.n_different = 0
        self.shown = []

    def compare(self, ours, theirs):
        for a, b in itertools.zip_longest(ours, theirs):
            self.n += 1
            if a != b:
                self.n_different += 1
                if self.n_different <= SHOWN:
                    self.shown += [f"{self.names[0]}: {a}", f"{self.names[1]}: {b}"]

    def check(self):
        if self.n_different:
            raise AssertionError("\n".join([f"{self.n_different} of {self.n} lines differ"] + self.shown))


def json_lines(command):
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        for line in process.stdout:
            yield json.loads(line)
        if process.wait():
            raise AssertionError(f"{command} failed")


def without(line, *keys):
    return {key: value for key, value in line.items() if key not in keys}


def last_line(out):
    """Return: what a program that failed said last."""
    return (out.stderr.splitlines() or [f"status {out.returncode}"])[-1]


# ---- vmscope


def vmscope_clocks(vmscope, path):
    """Return: what `info` says of the recording's clocks, by name."""
    out = subprocess.run([vmscope, "info", "--format", "json", path], check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    return {clock["name"]: clock for machine in json.loads(out.stdout)["machines"] for clock in machine["clocks"]}


def vmscope_streams(vmscope, path):
    """Return: events, and losses between them, by (instance, CPU)."""
    streams = collections.defaultdict(list)
    for line in json_lines([vmscope, "events", "--format", "json", path]):
        stream = line.get("channel", ""), line["cpu"]
        if "lost" in line:
            streams[stream].append({"lost": line["lost"]["events"]})
        else:
            streams[stream].append({"ts": line["ts"], "name": line["name"], "context": line.get("context", {}),
                                    "fields": line.get("fields", {})})
    return streams


def compare_streams(ours, theirs):
    found = Differences("vmscope", "expected")
    for stream in sorted(ours.keys() | theirs.keys(), key=str):
        found.compare(ours.get(stream, []), theirs.get(stream, []))
    found.check()


# ---- trace.dat


def on_a_line(pairs, frequency):
    """
    The times of counts whose frequency was estimated: see that they lie on a line, of the slope that is said.
    Return: a function from counts and times to the times that are right.
    """
    (count, time), (last_count, last_time) = min(pairs), max(pairs)
    counts, ns = last_count - count, last_time - time
    assert abs(counts * 10**9 - ns * frequency) <= ns + 2 * frequency, f"{counts} counts in {ns} ns, not {frequency} Hz"

    def right(raw, ts):
        exact = time + (raw - count) * ns // counts
        return ts if abs(ts - exact) <= 2 else exact

    return right


def tracedat_time(recording, buffer, clocks, pairs):
    """Return: a function from counts and times to the times in ns that are right."""
    name = recording.clock(buffer)
    if name == "uptime":  # which counts USER_HZ, hundredths of seconds
        return lambda raw, ts: raw * 10**7
    if name not in ("x86-tsc", "tsc2nsec"):
        return lambda raw, ts: raw + recording.offset_ns
    if recording.tsc2nsec and recording.tsc2nsec[0]:
        mult, shift, _ = recording.tsc2nsec
        return lambda raw, ts: (raw * mult >> shift) + recording.offset_ns
    return on_a_line(pairs, clocks[name]["frequency"]) if len(pairs) > 1 else lambda raw, ts: ts


def tracedat_expected(path, clocks, streams):
    """Return: the same as vmscope_streams(), by the second reader."""
    recording = tracedat_reader.TraceDat(path)
    expected = {}
    for buffer in recording.buffers:
        pairs = []  # counts, and times that vmscope gives them
        for number, _, _ in buffer.cpus:
            expected[buffer.name, number] = []
        for line in recording.lines(buffer):
            entries = expected[buffer.name, line["cpu"]]
            if "lost" in line:
                entries.append({"lost": line["lost"]["events"]})
                continue
            ours = streams[buffer.name, line["cpu"]]
            ts = ours[len(entries)].get("ts", 0) if len(entries) < len(ours) else 0
            pairs.append((line["raw"], ts))
            entries.append({"ts": (line["raw"], ts), "name": line["name"] or "(unknown)", "context": line["context"],
                            "fields": line["fields"]})
        right = tracedat_time(recording, buffer, clocks, pairs)
        for entry in (entry for number, _, _ in buffer.cpus for entry in expected[buffer.name, number] if "ts" in entry):
            entry["ts"] = right(*entry["ts"])
    return expected


def test_tracedat(vmscope, path):
    streams = vmscope_streams(vmscope, path)
    compare_streams(streams, tracedat_expected(path, vmscope_clocks(vmscope, path), streams))


def from_latin1(value):
    """ORACLE writes text byte by byte."""
    if isinstance(value, str):
        return tracepoint.until_nul(value.encode("latin-1"))
    if isinstance(value, dict):
        return {key: from_latin1(inner) for key, inner in value.items()}
    return value


def test_libtracecmd(oracle, path):
    out = subprocess.run([oracle, path], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
    if out.returncode:
        raise tap.Skip(f"libtracecmd cannot read it: {last_line(out)}")
    theirs = [from_latin1(json.loads(line)) for line in out.stdout.splitlines()]
    ours = list(tracedat_reader.TraceDat(path).lines())
    found = Differences("second reader", "libtracecmd")
    found.compare(*([line for line in lines if "lost" not in line] for lines in (ours, theirs)))
    found.check()
    # It does not tell of those before a sub-buffer that begins with a time, which is no event.
    lost = [collections.Counter(str(line) for line in lines if "lost" in line) for lines in (ours, theirs)]
    assert not lost[1] - lost[0], lost


# ---- perf.data


def by_cpu_and_time(line):
    return -1 if line["cpu"] is None else line["cpu"], line["raw"] or 0


def perfdata_expected(path):
    """Return: events as vmscope_streams(), by the second reader, and how many were lost: tracepoints, and all."""
    recording = perfdata_reader.PerfData(path)
    lines = sorted(recording.lines(), key=by_cpu_and_time)
    expected, lost = collections.defaultdict(list), [0, 0]
    for line in lines:
        stream = "", line["cpu"]
        if "lost" in line:
            lost[0] += line["lost"]["events"] * line["lost"]["tracepoint"]
            lost[1] += line["lost"]["events"]
            continue
        name = f"{line['system']}:{line['name']}" if line["system"] else line["name"]
        expected[stream].append({"ts": line["raw"] + recording.wall_offset, "name": name,
                                 "context": line["context"], "fields": line["fields"]})
    return expected, lost


def test_perfdata(vmscope, path):
    """Where exactly events were lost a perf.data does not tell, and lost samples of what is no tracepoint may be left out."""
    streams = vmscope_streams(vmscope, path)
    expected, lost = perfdata_expected(path)
    said = sum(line["lost"] or 0 for lines in streams.values() for line in lines if "lost" in line)
    events = {key: [line for line in lines if "lost" not in line] for key, lines in streams.items()}
    for key, lines in events.items():
        for line, other in zip(lines, expected[key]):
            other["name"] = other["name"] or line["name"]  # which is made up where the file has none
    compare_streams(events, expected)
    assert lost[0] <= said <= lost[1], f"{said} lost, not {lost}"


def as_elements(value, like, order):
    """
    perf gives arrays of more than bytes as bytes, those of bytes that can be printed as text, and what is negative and
    smaller than 64 bits without its sign.
    """
    if isinstance(like, int):
        return like if like < 0 and value in (like + (1 << bits) for bits in (8, 16, 32)) else value
    if not isinstance(like, list) or not like:
        return value
    if isinstance(value, str):
        return like if value == tracepoint.until_nul(bytes(like)) else value
    size = len(value) // len(like)
    return [int.from_bytes(bytes(value[at:at + size]), order) for at in range(0, len(value), size)] if size > 1 else value


def perf_lines(path):
    command = ["perf", "script", "-i", path, "-s", os.path.join(HERE, "oracle_perf.py")]
    out = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
    if out.returncode:
        raise tap.Skip(f"perf cannot read it: {last_line(out)}")
    return [json.loads(line) for line in out.stdout.splitlines() if line.startswith("{")]


def test_perf(path):
    if not shutil.which("perf"):
        raise tap.Skip("perf is not installed")
    theirs = sorted(perf_lines(path), key=by_cpu_and_time)
    recording = perfdata_reader.PerfData(path)
    ours = [without(line, "misc", "context") | {key: line["context"][key] for key in ("pid", "tid")} for line in recording.lines()
            if "lost" not in line and line["misc"] & CPU_MODE not in GUEST_MODES]
    ours.sort(key=by_cpu_and_time)
    for mine, line in zip(ours, theirs):
        line["fields"] = {key: as_elements(value, mine["fields"].get(key), recording.order)
                          for key, value in line["fields"].items()}
        if not mine["system"] and not mine["name"]:
            mine["name"] = line["name"]  # which perf makes up where the file has none
    found = Differences("second reader", "perf script")
    found.compare(ours, theirs)
    found.check()


def tests_of(vmscope, oracle, path):
    """Return: test by name."""
    name = os.path.join(*pathlib.Path(path).parts[-2:])
    with open(os.path.join(path, "data.0") if os.path.isdir(path) else path, "rb") as f:
        is_tracedat = f.read(len(tracedat_reader.MAGIC)) == tracedat_reader.MAGIC
    tests = {}
    if vmscope:
        test = test_tracedat if is_tracedat else test_perfdata
        tests[f"test_{name}: vmscope"] = lambda: test(vmscope, path)
    if not is_tracedat:
        tests[f"test_{name}: perf script"] = lambda: test_perf(path)
    elif oracle:
        tests[f"test_{name}: libtracecmd"] = lambda: test_libtracecmd(oracle, path)
    return tests


if __name__ == "__main__":
    TESTS = {}
    for argument in sys.argv[3:]:
        TESTS |= tests_of(sys.argv[1], sys.argv[2], argument)
    tap.run(TESTS)
