"""
What vmscope finds against what is true: clocks at many times of a trace, and whose guest is who.

The truth is a simulation's (tests/sim/README.md) or, for a recording, the `from TSC offset` lines of its
SUMMARY.txt (samples/README.md), which are exact to some 0.3 us.
"""
import collections
import csv
import json
import random
import re
import subprocess

GRID = 400           # times checked per estimate, beside the ends of all pieces, found and true
SIM_SLACK = 2        # ns: what the simulation's truth is rounded by
RECORDING_SLACK = 300

Estimate = collections.namedtuple("Estimate", (
    "method", "chosen", "pieces", "bound", "usual", "error", "excess", "constraints", "violations", "decoys",
    "lost", "outside", "widths", "inside"))
Machine = collections.namedtuple("Machine", "name pid true_pid verdict evidence estimates")


def simulate(sim, directory, *options):
    subprocess.run([sim, *map(str, options), str(directory)], check=True, stdout=subprocess.DEVNULL,
                   timeout=600)


def analyze(vmscope, traces, *options, sections=("machines", "sync", "diag")):
    args = [word for s in sections for word in ("--section", s)]
    done = subprocess.run([vmscope, "analyze", "--format", "json", *args, *options, *map(str, traces)],
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True, timeout=600)
    return json.loads(done.stdout)


class Clock:
    """The true map of a machine's times to the reference, where its clock ever showed them."""

    def __init__(self, pieces, slack):
        self.slack = slack
        self.pieces = []    # (from, to, offset, drift in ppb), by time; the first holds before, too
        for i, (begin, end, offset, drift) in enumerate(pieces):
            if i + 1 < len(pieces):
                # A clock that is set forward never shows the times between.
                end -= max(0, offset + round((end - begin) * drift / 1e9) - pieces[i + 1][2])
            self.pieces.append((begin, end, offset, drift))

    def difference(self, t):
        """The true reference - t, or None for a time that the clock stepped over or showed twice."""
        found = {offset + round((t - begin) * drift / 1e9)
                 for i, (begin, end, offset, drift) in enumerate(self.pieces)
                 if (begin <= t or i == 0) and t < end}
        return found.pop() if len(found) == 1 else None

    def edges(self):
        return [t for begin, end, _, _ in self.pieces for t in (begin - 1, begin, end - 1)]


def rows(path):
    with open(path, newline="") as f:
        return list(csv.DictReader(f))


def simulated_clocks(directory):
    pieces = collections.defaultdict(list)
    for r in rows(directory / "truth" / "clock.csv"):
        pieces[r["machine"]].append((int(r["from"]), int(r["to"]), int(r["offset"]), float(r["drift_ppb"])))
    return {name: Clock(p, SIM_SLACK) for name, p in pieces.items()}


def simulated_pids(directory):
    return {r["machine"]: int(r["pid"]) for r in rows(directory / "truth" / "identity.csv")}


def metadata_offset(trace):
    text = (trace / "kernel" / "metadata").read_bytes().decode("latin-1")
    offset = re.search(r"\boffset = (\d+);", re.sub(r"/\*.*?\*/", "", text, flags=re.S))
    return int(offset[1])


def recorded_clocks(directory):
    """Straight lines through what the recording's summary says of each guest."""
    clocks, lines, guest = {}, collections.defaultdict(list), None
    for line in (directory / "SUMMARY.txt").read_text().splitlines():
        heading = re.match(r"== vmsync vm_uid \d+ guest (\w+)", line)
        guest = heading[1] if heading else guest
        value = re.search(r"host monotonic (\d+) when guest monotonic (\d+)", line)
        if value:
            lines[guest].append((int(value[1]), int(value[2])))
    host = metadata_offset(directory / "host")
    for name, ((h0, g0), (h1, g1)) in lines.items():
        own = metadata_offset(directory / name)
        clocks[name] = Clock([(own + g0, 1 << 62, host + h0 - own - g0,
                               ((h1 - h0) - (g1 - g0)) / (g1 - g0) * 1e9)], RECORDING_SLACK)
    return clocks


def found_difference(piece, t):
    return piece["offset_ns"] + round((t - piece["from_ns"]) * piece["drift_ppb"] / 1e9)


def piece_at(pieces, t):
    return max((p for p in pieces if p["from_ns"] <= t), key=lambda p: p["from_ns"], default=pieces[0])


def usual_bound(pieces, last):
    """The bound that holds for half of the time or more; None: not known."""
    known = sorted((p["error_ns"], (p["to_ns"] or last + 1) - p["from_ns"]) for p in pieces
                   if p["error_ns"] is not None)
    half = sum((p["to_ns"] or last + 1) - p["from_ns"] for p in pieces) / 2
    for error, length in known:
        half -= length
        if half <= 0:
            return error
    return None


def judge_estimate(pieces, clock):
    """How an estimate, given by its rows, does against the true clock."""
    first, last = pieces[0]["from_ns"], max(p["to_ns"] or p["from_ns"] + 1 for p in pieces) - 1
    times = {first + (last - first) * i // GRID for i in range(GRID + 1)}
    times |= {t for p in pieces for t in (p["from_ns"], (p["to_ns"] or last) - 1)} | set(clock.edges())
    errors, excess = [], []
    for t in sorted(t for t in times if first <= t <= last):
        piece, true = piece_at(pieces, t), clock.difference(t)
        if true is None:
            continue
        errors.append(abs(true - found_difference(piece, t)))
        if piece["error_ns"] is not None:
            excess.append(errors[-1] - piece["error_ns"] - clock.slack)
    excess += excess_of_ranges(pieces, clock)
    bounds = [p["error_ns"] for p in pieces]
    total = {k: sum(p[k] or 0 for p in pieces) for k in ("constraints", "violations", "outside")}
    return Estimate(pieces[0]["method"], bool(pieces[0]["chosen"]), len(pieces),
                    None if None in bounds else max(bounds), usual_bound(pieces, last), max(errors, default=None),
                    max(excess, default=None), total["constraints"], total["violations"],
                    pieces[0]["decoys"], pieces[0]["lost"], total["outside"],
                    [None if pieces[0][k + "_low_ns"] is None
                     else pieces[0][k + "_high_ns"] - pieces[0][k + "_low_ns"]
                     for k in ("begin", "middle", "end")],
                    sum(e <= 0 for e in excess) / max(1, len(excess)))


def excess_of_ranges(pieces, clock):
    """By how much the truth lies outside of the ranges that are given for single times."""
    for p in pieces:
        last = p["from_ns"] if p["to_ns"] is None else p["to_ns"] - 1
        for key, t in (("begin", p["from_ns"]), ("middle", (p["from_ns"] + last) // 2), ("end", last)):
            true = clock.difference(t)
            if true is not None and p[key + "_low_ns"] is not None:
                yield max(p[key + "_low_ns"] - true, true - p[key + "_high_ns"]) - clock.slack


def verdict(pid, true_pid, evidence):
    if pid == true_pid:
        return "right" if pid is not None else "recognized"
    if pid is not None:
        return "wrong"
    return "ambiguous" if "ambiguous" in evidence else "not found"


def judge(report, clocks, pids, names=None):
    """
    Each guest of the report against the truth. pids: by machine; a machine that is not in it belongs to no
    host here. names: what the report's machines are called in truth.
    """
    names, machines = names or {}, []
    for m in report["machines"]:
        name = names.get(m["name"], m["name"])
        if m["trace_path"] is None or m["role"] == "host":
            continue
        estimates = collections.defaultdict(list)
        for row in report["sync"]:
            if row["machine"] == m["name"] and row["method"] not in ("reference", "none"):
                estimates[row["method"], row["reference_id"]].append(row)
        clock = clocks.get(name)
        machines.append(Machine(
            name, m["pid"], pids.get(name), verdict(m["pid"], pids.get(name), m["evidence"]), m["evidence"],
            [judge_estimate(e, clock) for e in estimates.values()] if clock else []))
    return machines


def shuffled(directory, names, order):
    """
    Gives the traces of a directory meaningless names, in an order of its own.
    Return: what to analyze, and what is what.
    """
    names = list(names)
    order.shuffle(names)
    return ([f"t{i}={directory / name}" for i, name in enumerate(names)],
            {f"t{i}": name for i, name in enumerate(names)})


def traces_of(directory):
    return sorted(d.name for d in directory.iterdir() if (d / "kernel" / "metadata").exists())


def judge_simulated(vmscope, directory, *options, seed=1, foreign=()):
    """
    Analyzes a simulated recording under meaningless names. foreign: other directories, whose guests are
    added.
    """
    for other in foreign:
        for name in traces_of(other):
            if name != "host":
                (directory / ("foreign-" + name)).symlink_to(other / name, target_is_directory=True)
    paths, names = shuffled(directory, traces_of(directory), random.Random(seed))
    report = analyze(vmscope, paths, *options)
    return judge(report, simulated_clocks(directory), simulated_pids(directory), names), report


def faults(machines):
    """What must never be."""
    for m in machines:
        if m.verdict == "wrong":
            yield f"{m.name} is process {m.true_pid}, not {m.pid}: {m.evidence}"
        for e in m.estimates:
            if m.verdict == "right" and e.excess is not None and e.excess > 0:
                yield f"{m.name}: {e.method} is {e.excess} ns worse than its bound ({e.bound} ns)"
