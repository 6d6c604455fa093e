#!/usr/bin/python3
"""test_alike.py VMSCOPE SIM SAMPLE [SEED]: a number is the same in the report (JSON and text), SQL, the HTML report,
the page's replies, Perfetto's trace and CSV; as TAP.

All numbers of five recordings are compared. Ten of each, chosen by lot (a seed is printed), are shown.
"""
import collections
import csv
import html.parser
import json
import os
import pathlib
import random
import re
import subprocess
import sys
import tempfile

sys.path[:0] = [str(pathlib.Path(__file__).resolve().parent.parent / name) for name in (".", "export", "server")]
import perfetto_reader  # noqa: E402 pylint: disable=wrong-import-position
import service  # noqa: E402 pylint: disable=wrong-import-position
import tap  # noqa: E402 pylint: disable=wrong-import-position

VMSCOPE, SIM, SAMPLE = (os.path.abspath(a) for a in sys.argv[1:4])
SEED = int(sys.argv[4]) if len(sys.argv) > 4 else random.randrange(10**6)
SCRATCH = tempfile.TemporaryDirectory()
HERE = pathlib.Path(SCRATCH.name)
ENV = {**os.environ, "LC_ALL": "C", "TZ": "UTC"}
SIMULATED = {
    "crowd": ["--vms", 3, "--vcpus", 2, "--pcpus", 4, "--contention", "--containers", "--isa", "vmx", "--duration", 0.1],
    "quota": ["--cause", "quota,interrupts", "--halt-poll", 200, "--poll-events", "--duration", 0.25],
    "lossy": ["--format", "trace.dat", "--vms", 2, "--untraced", 1, "--lost-events", 4, "--packet-size", "8k",
              "--duration", 0.1],
    "about": ["--format", "perf.data", "--cause", "neighbour,mmio-storm,polling", "--duration", 0.1],
}
STATES = {"vcpu": ["unknown", "guest", "hypervisor", "userspace", "preempted", "waiting", "halted", "blocked", "polling",
                   "throttled", "absent"],
          "thread": ["unknown", "user", "syscall", "irq", "softirq", "wait-cpu", "blocked", "dead", "stolen", "hypervisor"]}
SPLIT = ["run", "ready", "exit", "poll", "idle", "blocked", "unknown"]
READY = ["neighbour", "sibling", "own", "process", "kernel", "interrupt", "quota", "latency", "unclear"]
EXITS = ["count", "cost_ns", "total_ns", "p50_ns", "p99_ns", "max_ns", "handled_ns", "userspace_ns", "preempted_ns",
         "blocked_ns"]
# Findings whose cost is that of one reason to be READY.
LOST = {"neighbour": "neighbour", "host-process": "process", "kernel-thread": "kernel", "own-siblings": "sibling",
        "own-emulator": "own", "quota": "quota", "interrupts": "interrupt", "wake-up-latency": "latency",
        "unclear": "unclear"}
# Which outputs have numbers of a kind, exactly or rounded for people. Some have not all of them: Perfetto's trace has
# threads by their names alone, which can be several's.
EXACT = {"vcpu": "report sql csv page perfetto", "split": "report sql csv page perfetto", "ready": "report sql csv page",
         "exits": "report sql csv page", "of_vm": "report sql csv page", "thread": "report sql csv page perfetto",
         "wakeups": "report sql csv", "details": "report sql csv page", "woken": "sql csv", "finding": "report why page",
         "caused": "report why sql csv"}
WHOLE = {"vcpu", "split", "ready", "exits", "thread", "details", "woken"}  # none of them is missing
ROUNDED = {"split": "text html", "exits": "text", "of_vm": "text html", "thread": "text html", "wakeups": "text",
           "details": "text html", "woken": "html", "finding": "text why-text html"}


# ---- numbers as people read them -------------------------------------------------------------------------------------

def shown(ns, digits):
    """A duration with so many digits, as docs/report.md has it."""
    for unit, size in (("s", 10**9), ("ms", 10**6), ("us", 10**3)):
        x = abs(ns) / size
        if x < 1 - 0.5 * 10**-digits:
            continue
        after, limit = digits - 1, 10
        while after > 0 and x >= limit - 0.5 * 10**-after:
            after, limit = after - 1, limit * 10
        return f"{'-' if ns < 0 else ''}{x:.{after}f} {unit}"
    return f"{ns} ns"


def rounded(key, value, digits):
    """What is printed of a number: nothing where it is not known, and for most where it is 0."""
    if value is None or isinstance(value, str):
        return value or ""
    return str(value) if key[-1] == "count" else shown(value, digits)


# ---- outputs: from a results file to {key: number} -------------------------------------------------------------------

def run(*args, status=0):
    done = subprocess.run([VMSCOPE, *map(str, args)], env=ENV, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          timeout=120, check=False)
    assert done.returncode == status, (args, done.returncode, done.stderr.decode())
    return done.stdout.decode()


def states(found, kind, item, times):
    for state in STATES[kind]:
        found[kind, item, state] = times[state]


def splits(found, item, parts):
    """parts: of a vCPU, by name."""
    for name in SPLIT:
        found["split", item, name] = parts[name]
    for name in READY:
        found["ready", item, name] = parts[name]


def of_report(out):
    found = {}
    for v in out["vcpus"]:
        states(found, "vcpu", v["id"], {s: v[f"{s}_ns"] for s in STATES["vcpu"]})
    for s in out["split"]:
        splits(found, s["vcpu_id"], {k[:-3]: v for k, v in s.items() if k.endswith("_ns")})
    for e in out["exits"]:
        found.update({("exits", e["vcpu_id"], e["name"], k): e[k] for k in EXITS})
    for e in out["vm_exits"]:
        found.update({("of_vm", e["machine"], e["name"], k): e[k] for k in EXITS})
    for d in out["exit_details"]:
        found.update({("details", d["machine"], d["detail"], k): d[k] for k in EXITS[:3] + ["max_ns"]})
    for t in out["threads"]:
        states(found, "thread", t["thread_id"], {s: t[f"{s.replace('-', '_')}_ns"] for s in STATES["thread"]})
    for w in out["latency"]:
        if w["stage"] == "all":
            found.update({("wakeups", w["vcpu_id"], k): w[k] for k in ("count", "total_ns", "p50_ns", "p99_ns", "max_ns")})
    check_steal(found, out["steal"], lambda s: [(state, s[f"{state}_ns"]) for state in ("preempted", "waiting", "throttled")])
    found.update(of_findings(out["findings"]))
    return found


def check_steal(found, rows, parts):
    """Who took CPUs adds up to the time without them. parts: of a row's, as (state, ns)."""
    taken = collections.Counter()
    for row in rows:
        for state, ns in parts(row):
            taken[row["vcpu_id"], state] += ns
    for (kind, item, state), ns in ((k, v) for k, v in found.items() if k[0] == "vcpu"):
        if state in ("preempted", "waiting", "throttled"):
            assert taken[item, state] == ns, (kind, item, state, taken[item, state], ns)


def of_findings(findings):
    found = {("finding", f["what"], "cost_ns"): f.get("cost_ns", f.get("cost")) for f in findings}
    found.update({("finding", f["what"], "what"): f["what"] for f in findings})
    found.update({("caused", f["machine"], f["cause"]): f["cost_ns"] for f in findings
                  if "machine" in f and f["cause"] in LOST})
    return found


def add(found, key, value, how=lambda a, b: a + b):
    """What is not known of one is not known of all."""
    before = found.get(key, value) if key in found else None
    found[key] = value if key not in found else None if None in (before, value) else how(before, value)


def add_up(found, vms):
    """Exits by VM, and what of findings is READY. vms: vCPU -> VM."""
    for (kind, item, *rest), value in list(found.items()):
        if kind == "exits" and rest[1] in ("count", "cost_ns", "total_ns", "max_ns"):
            add(found, ("of_vm", vms[item], *rest), value, max if rest[1] == "max_ns" else lambda a, b: a + b)
        if kind == "ready":
            add(found, ("caused", vms[item], next(c for c, part in LOST.items() if part == rest[0])), value)
    return found


def of_rows(tables):
    """What the tables and views say, whoever read them: name -> rows as dicts."""
    found = {}
    for v in tables["vcpu_summary"]:
        states(found, "vcpu", v["vcpu_id"], {s: v[f"{s}_ns"] for s in STATES["vcpu"]})
    for s in tables["vcpu_split"]:
        splits(found, s["vcpu_id"], {k[:-3]: v for k, v in s.items() if k.endswith("_ns")})
    for e in tables["exit_summary"]:
        name = e["name"] if e["name"] is not None else "(not recorded)" if e["reason"] is None else f"exit {e['reason']}"
        found.update({("exits", e["vcpu_id"], name, k): e["exits" if k == "count" else k] for k in EXITS})
    for d in tables["exit_detail_summary"]:
        for k, of in (("count", "exits"), ("cost_ns", "cost_ns"), ("total_ns", "total_ns")):
            add(found, ("details", d["machine"], d["detail"], k), d[of])
        add(found, ("details", d["machine"], d["detail"], "max_ns"), d["max_ns"], max)
    for t in tables["thread_summary"]:
        states(found, "thread", t["thread_id"], {s: t[f"{s.replace('-', '_')}_ns"] for s in STATES["thread"]})
    for w in tables["wakeup_summary"]:
        found.update({("woken", w["thread_id"], k): w[k] for k in ("p50_ns", "p99_ns", "max_ns")})
        found["woken", w["thread_id"], "count"] = w["wakeups"]
    check_steal(found, tables["steal_matrix"],
                lambda s: [(state, s[f"{state}_ns"]) for state in ("preempted", "waiting", "throttled")])
    return add_up(found, {v["vcpu_id"]: v["machine"] for v in tables["vcpu_split"]})


VIEWS = ["vcpu_summary", "vcpu_split", "exit_summary", "exit_detail_summary", "thread_summary", "wakeup_summary",
         "steal_matrix"]


def of_sql(file):
    tables = {name: json.loads(run("query", "--format", "json", file, f"SELECT * FROM {name}")) for name in VIEWS}
    found = of_rows(tables)
    for w in json.loads(run("query", "--format", "json", file, """
            SELECT vcpu_id, count(*) AS count, sum(run_ns) AS total_ns, quantile(run_ns, 0.5) AS p50_ns,
                quantile(run_ns, 0.99) AS p99_ns, max(run_ns) AS max_ns
            FROM wakeup WHERE run_ns IS NOT NULL AND vcpu_id IS NOT NULL GROUP BY 1""")):
        found.update({("wakeups", w["vcpu_id"], k): w[k] for k in w if k != "vcpu_id"})
    return found


def cell(text):
    return int(text) if text.isdigit() else text or None


def of_csv(file):
    """The views; and, where rows are all that it takes, the tables' own rows."""
    directory, tables = HERE / (file.stem + ".csv"), {}
    run("export", "--to", "csv", "-o", directory, *(a for v in VIEWS for a in ("--table", v)), file)
    run("export", "--to", "csv", "-o", directory, file)
    for path in directory.glob("*.csv"):
        with open(path, encoding="utf-8", newline="") as f:
            rows = csv.reader(f)
            names = next(rows)
            tables[path.stem] = [dict(zip(names, map(cell, row), strict=True)) for row in rows]
    found, sums = of_rows(tables), collections.Counter()
    for kind in STATES:
        for r in tables[f"{kind}_state"]:
            sums[kind, r[f"{kind}_id"], r["state"]] += r["dur"]
    for key, ns in found.items():
        if key[0] in STATES:
            assert sums[key] == ns, (key, sums[key], ns)
    runs = collections.defaultdict(list)
    for w in tables["wakeup"]:
        if w["run_ns"] is not None and w["vcpu_id"] is not None:
            runs[w["vcpu_id"]].append(w["run_ns"])
    for vcpu, times in runs.items():
        found.update({("wakeups", vcpu, "count"): len(times), ("wakeups", vcpu, "total_ns"): sum(times),
                      ("wakeups", vcpu, "max_ns"): max(times)})
    return found


def of_page(server, file):
    experiment = next(e for e in server.experiments() if e["name"] == file.name)
    api, found = f"/api/experiments/{experiment['id']}", {}

    def statistics(table):
        reply = server.post(f"{api}/statistics", {"table": table}).json
        return [dict(zip((c["name"] for c in reply["columns"]), r, strict=True)) for r in reply["rows"]]

    rows, index = server.get(f"{api}/rows").json, (1 << 26) - 1
    for kind in STATES:
        names = [s["name"] for s in rows["states"][kind]]
        for r in rows[f"{kind}s"]:
            states(found, kind, r["id"] & index, dict(zip(names, r["times"], strict=True)))
        for r in statistics(f"{kind}s"):
            assert all(found[kind, r["row"] & index, s] == r[s] for s in STATES[kind]), r
    for r in statistics("split"):
        splits(found, r["row"] & index, r)
    for r in statistics("exits"):
        found.update({("exits", r["row"] & index, r["reason"], k): r[k.replace("_ns", "")] for k in EXITS})
    for r in statistics("details"):
        found.update({("details", r["vm"], r["about"], k): r[k.replace("_ns", "")] for k in EXITS[:3] + ["max_ns"]})
    check_steal(found, [{**r, "vcpu_id": r["row"] & index} for r in statistics("steal")],
                lambda s: [(state, s[state]) for state in ("preempted", "waiting", "throttled")])
    machines = {m["id"]: m["name"] for m in rows["machines"]}
    found.update(of_findings(server.post(f"{api}/findings", {}).json["findings"]))
    return add_up(found, {v["id"] & index: machines[v["machine"]] for v in rows["vcpus"]})


class Sums(perfetto_reader.Trace):
    """Of each track, how long its slices are, by category."""

    def __init__(self, path):
        self.times, self.begun = collections.defaultdict(collections.Counter), {}
        super().__init__(path)

    def read_event(self, ts, flags, event):
        uuid, kind = event[11][0], event[9][0]
        if kind == perfetto_reader.BEGIN:
            self.begun[uuid] = ts, event[3][0]
        elif kind == perfetto_reader.END:
            begin, category = self.begun.pop(uuid)
            self.times[uuid][self.interned.texts[1][category]] += ts - begin


def of_perfetto(file, report):
    """Sums of slices; report: for who is who."""
    path, found = HERE / (file.stem + ".perfetto"), {}
    run("export", "--to", "perfetto", "--idle", "-o", path, file)
    trace = Sums(path)
    by_name = collections.defaultdict(list)  # of idle threads, and of those of one life after another, several have one
    for uuid, track in trace.tracks.items():
        if not track.is_counter:
            by_name[trace.path(uuid)[0].split(" (guest of ")[0], track.name].append(uuid)

    def sums(kind, item, machine, name):
        times = collections.Counter()
        if len(by_name[machine, name]) == 1:
            for category, ns in trace.times[by_name[machine, name][0]].items():
                times[category.removeprefix(f"{kind}.")] = ns
            states(found, kind, item, times)
        return times

    for v in report["vcpus"]:
        times = sums("vcpu", v["id"], v["machine"], f"{v['machine']} vCPU {v['vcpu_index']}")
        parts = {"run": ["guest"], "ready": ["preempted", "waiting", "throttled"], "exit": ["hypervisor", "userspace"],
                 "poll": ["polling"], "idle": ["halted"], "blocked": ["blocked"], "unknown": ["unknown"]}
        found.update({("split", v["id"], part): sum(times[s] for s in of) for part, of in parts.items()})
    for t in report["threads"]:
        if t["vcpu_id"] is None and t["tid"]:
            sums("thread", t["thread_id"], t["machine"], f"{t['comm'] or '?'} ({t['tid']})")
    return found


# ---- the HTML report -------------------------------------------------------------------------------------------------

class Page(html.parser.HTMLParser):
    """Cells of each section's table, and sentences in bold."""

    def __init__(self, text):
        super().__init__()
        self.section, self.tables, self.bold, self.open = None, collections.defaultdict(list), [], False
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.open = tag in ("td", "th", "b")
        if tag == "section":
            self.section = dict(attrs)["id"]
        elif tag == "tr":
            self.tables[self.section].append([])
        elif tag in ("td", "th") and self.section:
            self.tables[self.section][-1].append([])
        elif tag == "b" and self.section in (None, "findings"):
            self.bold.append("")
        elif tag == "br" and self.tables.get(self.section, [[]])[-1]:
            self.tables[self.section][-1][-1].append("")

    def handle_endtag(self, tag):
        self.open = False
        if tag == "section":
            self.section = None

    def handle_data(self, data):
        data = data.replace("\xa0", " ").replace("\u2212", "-").replace("\xb5s", "us").strip("\n")
        if self.tables.get(self.section, [[]])[-1]:
            self.tables[self.section][-1][-1].append(data)
        elif self.bold and self.open and self.section in (None, "findings"):
            self.bold[-1] += data
    def rows(self, section):
        """Rows as dicts, by what stands above."""
        table = [["".join(cell) for cell in row] for row in self.tables[section]]
        return [dict(zip(table[0], row)) for row in table[1:]]


def of_html(file, report):
    page, found = Page(run("export", "--to", "html", file)), {}
    ids = {(v["machine"], str(v["vcpu_index"])): v["id"] for v in report["vcpus"]}
    threads = {(t["machine"], t["comm"], str(t["tid"])): t["thread_id"] for t in report["threads"]}
    for r in page.rows("vcpu-times"):
        for name in SPLIT:
            share, ns = re.fullmatch(r"((?:<?[\d.]+ %)?)(.*)", r[name.upper()]).groups()
            found["split", ids[r["VM"], r["vCPU"]], name] = ns
            found["split", ids[r["VM"], r["vCPU"]], name, "share"] = share
    for kind, section, name in (("of_vm", "exits", "reason"), ("details", "exit-details", "about")):
        for r in page.rows(section):
            cells = {"count": "exits", "cost_ns": "in all", "max_ns": "longest"}
            found.update({(kind, r["VM"], r[name], k): r[column] for k, column in cells.items()})
    for r in page.rows("threads"):
        for state, column in (("user", "user"), ("syscall", "kernel"), ("stolen", "stolen"), ("hypervisor", "exits")):
            found["thread", threads[r["VM"], r["thread"], r["tid"]], state] = r.get(column, "")
    for r in page.rows("wakeups"):
        thread = threads[(r["VM"], *re.fullmatch(r"(.*) \((\d+)\)", r["thread"]).groups())]
        for k, column in (("count", "woken"), ("p50_ns", "half within"), ("p99_ns", "99 % within"), ("max_ns", "longest")):
            found["woken", thread, k] = r[column]
    found.update({("finding", text, "what"): text for text in page.bold})
    return found


# ---- the report for people -------------------------------------------------------------------------------------------

def grid(text, title):
    """Rows of the tables below a title, which is a pattern: (what it matched, {column: cell})."""
    for match in re.finditer(rf"^{title}\n\n(.+\n(?:.+\n)+)", text, re.M):
        head, *lines = match.group(match.lastindex).splitlines()
        ends = [(m.group(), m.start(), m.end()) for m in re.finditer(r"\S+(?: \S+)*", head)]
        for line in lines:
            cells, at = {}, 0
            for i, (name, begin, end) in enumerate(ends):
                left = name in ("VM", "thread", "reason", "about", "stage", "ready, but", "pCPUs")
                # The next column, if it is aligned to the right, may begin left of its title.
                stop = line.find("  ", begin) if left and line[begin:begin + 1].strip() else end
                stop = len(line) if stop < 0 or i == len(ends) - 1 else stop
                cells[name], at = line[at:stop].strip(), stop
            yield match, cells


def plain(text):
    return " ".join(text.split())


def of_text(file, report):
    text, found = run("report", "--all", file), {}
    ids = {(v["machine"], str(v["vcpu_index"])): v["id"] for v in report["vcpus"]}
    vcpu, names = None, [name.upper() for name in SPLIT]
    for _, r in grid(text, "(Where all the time went)"):
        if r["VM"]:
            vcpu = ids[r["VM"], r["vCPU"]]
            found.update({("split", vcpu, n.lower(), "share"): r.get(n, "") for n in names})
        else:
            found.update({("split", vcpu, n.lower()): r.get(n, "") for n in names})
    for title in ("(Where the time of each vCPU went.*)", "(Where all time of each vCPU went)"):
        for _, r in grid(text + run("report", file), title):
            if (r["VM"], r["vCPU"]) in ids:
                assert all(found["split", ids[r["VM"], r["vCPU"]], n.lower(), "share"] == r.get(n, "") for n in names), r
    for match, r in grid(text, r"Exits of (?:(vCPU (\d+) of )?(\S+?))(?:, all \d+ vCPUs)?"):
        keys = [("exits", ids[match[3], match[2]])] if match[1] else [("of_vm", match[3])]
        if not match[1] and (match[3], "0") in ids and (match[3], "1") not in ids:
            keys.append(("exits", ids[match[3], "0"]))
        for key in keys:
            for k, column in (("count", "count"), ("cost_ns", "cost"), ("total_ns", "total"), ("p50_ns", "p50"),
                              ("p99_ns", "p99"), ("max_ns", "max")):
                found[(*key, r["reason"], k)] = r.get(column, "")
    for match, r in grid(text, r"What the exits of (\S+) were about"):
        for k, column in (("count", "count"), ("cost_ns", "cost"), ("total_ns", "total"), ("max_ns", "max")):
            found["details", match[1], r["about"], k] = r.get(column, "")
    threads = {(t["machine"], t["comm"], str(t["tid"])): t["thread_id"] for t in report["threads"]}
    for match, r in grid(text, r"Threads of (\S+): .*"):
        for state in ("user", "syscall", "stolen", "wait-cpu", "blocked"):
            found["thread", threads[match[1], r["thread"], r["tid"]], state] = r.get(state, "")
    for _, r in grid(text, "(How long threads of guests took.*)"):
        vcpu = ids.get((r["VM"], r["vCPU"]), vcpu)
        if r["stage"] == "all":
            for k, column in (("count", "count"), ("p50_ns", "p50"), ("p99_ns", "p99"), ("max_ns", "max")):
                found["wakeups", vcpu, k] = r[column]
    found.update(findings_in(text, report))
    return found


def findings_in(text, report):
    return {("finding", f["what"], "what"): f["what"] for f in report["findings"] if f["what"] in plain(text)}


# ---- comparing -------------------------------------------------------------------------------------------------------

DIGITS = {"split": 4, "woken": 4}


def printed(output, key, value):
    """What an output for people has to say where the number is this."""
    if output == "html":
        return rounded(key, value, 4)
    none = value == 0 and key[0] in ("split", "thread")
    return "" if none else rounded(key, value, DIGITS.get(key[0], 3))


class Recording:
    """One results file, and all outputs of it."""

    def __init__(self, name, server):
        file = HERE / f"{name}.vms"
        report = json.loads(run("report", "--format", "json", file))
        self.name, self.truth = name, {**of_sql(file), **of_report(report)}
        self.exact = {"report": of_report(report), "why": of_findings(json.loads(run("why", "--format", "json", file))["findings"]),
                      "sql": of_sql(file), "csv": of_csv(file), "page": of_page(server, file),
                      "perfetto": of_perfetto(file, report)}
        self.people = {"text": of_text(file, report), "html": of_html(file, report),
                       "why-text": findings_in(run("why", file), report)}
        self.compared = collections.Counter()

    def of(self, key):
        """What each output that has it says."""
        return {name: numbers[key] for name, numbers in {**self.exact, **self.people}.items() if key in numbers}

    def check(self, key, value):
        for output in EXACT[key[0]].split():
            if key not in self.exact[output]:
                assert key[0] not in WHOLE or output == "perfetto", (self.name, output, "lacks", key, value)
                continue
            assert self.exact[output][key] == value, (self.name, output, key, self.exact[output][key], "not", value)
            self.compared[key[0], output] += 1
        for output in ROUNDED.get(key[0], "").split():
            if key not in self.people[output]:
                continue
            said, wanted = self.people[output][key], printed(output, key, value)
            assert said == wanted or (not said and value == 0), (self.name, output, key, said, "not", wanted, value)
            self.compared[key[0], output] += 1

    def check_shares(self):
        for key, share in self.people["html"].items():
            if key[-1] == "share":
                assert self.people["text"].get(key, share) == share, (self.name, key)
                self.compared["share", "html"] += 1


def make():
    """Return: the names of the results files, which are made."""
    sources = {"sample": SAMPLE}
    for name, options in SIMULATED.items():
        sources[name] = HERE / name
        subprocess.run([SIM, "--no-truth", "--seed", "7", *map(str, options), sources[name]], check=True, timeout=120)
    for name, source in sources.items():
        run("analyze", "-o", HERE / f"{name}.vms", source)
    return list(sources)


def test_numbers_are_the_same_everywhere():
    names, chance = make(), random.Random(SEED)
    print(f"# chosen by lot with seed {SEED}:")
    with service.serving(VMSCOPE, *(HERE / f"{name}.vms" for name in names), env=ENV) as server:
        recordings = [Recording(name, server) for name in names]
    for r in recordings:
        kinds = sorted({key[0] for key in r.truth})
        for _ in range(10):
            kind = chance.choice(kinds)
            some = [k for k, value in r.truth.items() if k[0] == kind and value]
            key = chance.choice(sorted(some or [k for k in r.truth if k[0] == kind], key=repr))
            print(f"# {r.name} {key}: {r.of(key)}")
        for key, value in r.truth.items():
            r.check(key, value)
        r.check_shares()
    everywhere = sum((r.compared for r in recordings), collections.Counter())
    for kind in EXACT:
        for output in (EXACT[kind] + " " + ROUNDED.get(kind, "")).split():
            assert everywhere[kind, output] > 3, (kind, output, everywhere[kind, output])


tap.run(globals())
