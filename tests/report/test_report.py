#!/usr/bin/python3
"""test_report.py VMSCOPE SIM SAMPLES DATA ROOT: the report, in all its forms; as TAP."""
import collections
import csv
import io
import json
import os
import pathlib
import pty
import re
import shutil
import subprocess
import sys
import tempfile
import traceback

VMSCOPE, SIM, SAMPLES, DATA, ROOT = sys.argv[1:6]
SAMPLE = f"{SAMPLES}/one-guest"
SMALL = f"{DATA}/one-qemu-kvm"
ENV = {**os.environ, "LC_ALL": "C", "TERM": "xterm", "TZ": "UTC"}
SECTIONS = ["findings", "missing", "split", "machines", "vcpus", "pcpus", "steal", "vm_exits", "exits", "exit_details",
            "threads", "containers", "latency", "waits", "sync", "diag"]
THREAD_STATES = ["unknown", "user", "syscall", "irq", "softirq", "wait_cpu", "blocked", "dead", "stolen",
                 "hypervisor"]
STATES = ["unknown", "guest", "hypervisor", "userspace", "preempted", "waiting", "halted", "blocked", "polling",
          "throttled", "absent"]
PARTS = ["handled_ns", "userspace_ns", "preempted_ns", "blocked_ns"]
WIDTH = 100

ENV.pop("NO_COLOR", None)


def vmscope(*args, status=0):
    done = subprocess.run([VMSCOPE, *map(str, args)], text=True, env=ENV, timeout=120,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert done.returncode == status, f"{args}: {done.returncode}, not {status}: {done.stderr}"
    return done.stdout, done.stderr


def analyze(*args, status=0):
    return vmscope("analyze", *args, status=status)


def query(file, sql):
    return json.loads(vmscope("query", "--format", "json", file, sql)[0])


def report(*args):
    return json.loads(analyze("--format", "json", *args)[0])


def on_terminal(*args, **env):
    """What it prints to a terminal."""
    pid, fd = pty.fork()
    if not pid:
        os.execve(VMSCOPE, [VMSCOPE, "analyze", *map(str, args)], {**ENV, **env})
    text = b""
    while True:
        try:
            piece = os.read(fd, 65536)
        except OSError:
            break
        if not piece:
            break
        text += piece
    os.waitpid(pid, 0)
    os.close(fd)
    return text.decode()


class Recordings:
    """The traces that the tests are about; simulated ones are made when first asked for."""

    def __init__(self, directory):
        self.directory = pathlib.Path(directory)

    def simulated(self, name, *options):
        path = self.directory / name
        if not path.exists():
            subprocess.run([SIM, "--vmsync", "--duration", "0.15", "--seed", "5", *options, str(path)],
                           check=True, stdout=subprocess.DEVNULL)
        return path

    def many(self):
        return self.simulated("many", "--vms", "6", "--vcpus", "4", "--pcpus", "4", "--untraced", "5")

    def lossy(self):
        return self.simulated("lossy", "--lost-events", "5", "--packet-size", "8k", "--vms", "2",
                              "--untraced", "1")

    def contained(self):
        return self.simulated("contained", "--containers", "--vms", "2", "--vcpus", "2")

    def results(self, path):
        """The results file of a recording."""
        file = self.directory / (pathlib.Path(path).name + ".vms")
        if not file.exists():
            analyze("-o", file, path)
        return file

    def all(self):
        return [SAMPLE, SMALL, self.many(), self.lossy()]


def test_text_fits_a_screen(r):
    for path in r.all():
        for options in ([], ["--all"], ["--top", "2", "--all"]) + tuple([s] for s in SECTIONS):
            out, err = vmscope("report", r.results(path), *options)
            assert err == "" and "\033" not in out
            for line in out.splitlines():
                assert len(line) <= WIDTH and line == line.rstrip(), f"{len(line)}: {line}"


SPLIT = {"RUN": ["guest"], "READY": ["preempted", "waiting", "throttled"], "EXIT": ["hypervisor", "userspace"],
         "POLL": ["polling"], "IDLE": ["halted"], "BLOCKED": ["blocked"], "UNKNOWN": ["unknown"]}


def table(text, title):
    """Rows of a table in text, as dicts: what stands below each column's title."""
    lines = re.split(rf"^{title}.*\n\n", text, flags=re.M)[1].split("\n\n")[0].splitlines()
    ends = [(m.group(), m.end()) for m in re.finditer(r"\S+(?: \S+)*", lines[0])]
    for line in lines[1:]:
        if line.startswith("  ... "):
            continue
        cells, at = {}, 0
        for name, end in ends:
            # Columns of names are aligned to the left.
            left = name == "VM"
            stop = line.find(" ", lines[0].index(name)) if left else end
            cells[name], at = line[at:stop].strip(), stop
        yield cells


def test_the_overview_fits_a_screen(r):
    for path in r.all() + [r.contained(), r.simulated("calm", "--vms", "2", "--vcpus", "2", "--pcpus", "4")]:
        for options in [], ["--begin", "+0.0000001", "--vm", "*"], ["--top", "3"], ["--vcpu", "0", "--sort", "run"]:
            out, _ = vmscope("report", *options, r.results(path))
            assert len(out.splitlines()) <= 40, out


def test_the_overview_adds_up_and_is_true(r):
    for path in r.all() + [r.contained()]:
        truth = {(v["machine"], str(v["vcpu_index"])): v for v in report(path)["vcpus"]}
        rows = list(table(analyze(path)[0], "Where the time of each vCPU went"))
        assert len(rows) == min(len(truth), len(rows)) > 0
        for row in rows:
            v = truth[row["VM"], row["vCPU"]]
            whole = v["span_ns"] - v["absent_ns"]
            shares = {name: row.get(name, "").replace(" %", "") for name in SPLIT}
            tenths = {name: 0 if s in ("", "<0.1") else round(float(s) * 10) for name, s in shares.items()}
            assert sum(tenths.values()) == 1000, row
            for name, states in SPLIT.items():
                ns = sum(v[f"{s}_ns"] for s in states)
                assert abs(tenths[name] - 1000 * ns / whole) < 1, (name, row, v)
                assert (shares[name] == "") == (ns == 0), (name, row, v)


def test_of_many_vcpus_those_that_waited_most_are_shown(r):
    out, _ = analyze(r.many())
    ready = {(v["machine"], str(v["vcpu_index"])): v["preempted_ns"] + v["waiting_ns"] + v["throttled_ns"]
             for v in report(r.many())["vcpus"]}
    shown = [(row["VM"], row["vCPU"]) for row in table(out, "Where the time of each vCPU went")]
    assert len(shown) < len(ready) == 24 and shown == sorted(ready, key=ready.get, reverse=True)[:len(shown)]
    assert f"... and {24 - len(shown)} more vCPUs" in out
    steal = collections.Counter()
    for s in report(r.many())["steal"]:
        steal[s["machine"], str(s["vcpu_index"]), s["occupant"]] += s["preempted_ns"] + s["waiting_ns"]
    lines = out.split("Who had the CPU while they could run\n\n")[1].split("\n\n")[0].splitlines()[1:]
    for line, (key, ns) in zip(lines, steal.most_common(4), strict=True):
        vm, vcpu, number, unit = line.split()[:4]
        assert (vm, vcpu) == key[:2] and line.endswith(f"  {key[2]}"), (line, key)
        assert abs(float(number) * {"s": 1e9, "ms": 1e6, "us": 1e3}[unit] - ns) <= ns / 1000, (line, ns)


def test_one_vm_and_one_vcpu_are_told_of_alone(r):
    file = r.results(r.many())
    whole = json.loads(vmscope("report", "--format", "json", file)[0])
    vms = sorted({v["machine"] for v in whole["vcpus"]})
    host, = (m["name"] for m in whole["machines"] if m["role"] == "host")
    for options, names, numbers in ((["--vm", "g1"], ["g1"], range(4)), (["--vm", "vm-*", "--vcpu", "2"], vms[1:], [2]),
                                    (["--vcpu", "1"], vms, [1]), (["--vm", "*"], vms, range(4))):
        some = json.loads(vmscope("report", "--format", "json", *options, file)[0])
        for section in SECTIONS:
            def told(row):
                if section in ("machines", "sync", "diag", "missing"):
                    return row.get("machine", row.get("name")) in [*names, host, None]
                vcpu = section in ("split", "vcpus", "pcpus", "steal", "exits", "latency", "waits")
                return row["machine"] in names and (not vcpu or row["vcpu_index"] in numbers)
            if section != "diag" and (section != "findings" or "--vcpu" not in options):
                assert some[section] == [row for row in whole[section] if told(row)], (options, section)
            text, _ = vmscope("report", "--all", *options, file, section)
            assert text.startswith("only "), text
            if section == "findings":
                continue  # culprits are named
            for name in set(vms) - set(names):
                assert not re.search(rf"^  {re.escape(name)} |^Exits of (vCPU \d of )?{re.escape(name)}\\b"
                                     rf"|while vCPU \d of {re.escape(name)}\\b", text, re.M), (options, section, name)
    for wrong in (["--vm", "nobody"], ["--vcpu", "4"], ["--vm", "g1", "--vcpu", "4"]):
        out, err = vmscope("report", *wrong, file, status=1)
        assert out == "" and err.count("\n") == 1 and "there is no v" in err.lower(), err
    assert "g1, vm-" in vmscope("report", "--vm", "nobody", file, status=1)[1]


def test_top_and_sort(r):
    file = r.results(r.many())
    whole = json.loads(vmscope("report", "--format", "json", file)[0])
    for section, key, value in (("vcpus", "exit", lambda v: v["hypervisor_ns"] + v["userspace_ns"]),
                                ("vcpus", "run", lambda v: v["guest_ns"]), ("vcpus", "exits", lambda v: v["exits"]),
                                ("exits", "p99", lambda e: e["p99_ns"] or 0), ("vm_exits", "count", lambda e: e["count"]),
                                ("exits", "cost", lambda e: e["cost_ns"])):
        wanted = sorted(whole[section], key=value, reverse=True)[:5]
        some = json.loads(vmscope("report", "--format", "json", "--sort", key, "--top", "5", file, section)[0])
        assert some[section] == wanted, (section, key)
    out, _ = vmscope("report", "--sort", "run", "--top", "2", file)
    first = [row["VM"] + " " + row["vCPU"] for row in table(out, "Where the time of each vCPU went")]
    wanted = sorted(whole["vcpus"], key=lambda v: v["guest_ns"], reverse=True)[:2]
    assert first == [f"{v['machine']} {v['vcpu_index']}" for v in wanted]
    out, _ = vmscope("report", "--sort", "count", "--top", "3", "--vm", "g1", file, "vm_exits")
    counts = [line.split()[1] for line in out.split("Exits of g1")[1].splitlines()[3:6]]
    own = sorted((e["count"] for e in whole["vm_exits"] if e["machine"] == "g1"), reverse=True)
    assert counts == [str(n) for n in own[:3]] and f"... and {len(own) - 3} more reasons (--top shows more)" in out
    for wrong in (["--top", "0"], ["--top", "x"], ["--sort", "x"], ["--vcpu", "-1"], ["--vcpu", "1x"]):
        out, err = vmscope("report", *wrong, file, status=2)
        assert out == "" and err.count("\n") == 1


def test_long_lists_are_cut_unless_all(r):
    short, _ = analyze(r.many())
    whole, _ = analyze("--all", r.many())
    assert "more vCPUs (--all shows them)" in short
    assert "--all shows them" not in whole and len(whole) > len(short)
    assert all(f"vCPU {i} of vm-" in whole for i in range(4))


def test_colour_is_for_terminals(r):
    assert "\033[1m" in on_terminal(SMALL)
    assert "\033" not in on_terminal(SMALL, NO_COLOR="1")
    assert "\033" not in on_terminal(SMALL, TERM="dumb")
    assert "\033" not in on_terminal("--format", "json", SMALL)


def documented_fields():
    fields, section = collections.defaultdict(list), None
    for line in pathlib.Path(ROOT, "docs", "report.md").read_text().splitlines():
        if line.startswith("## "):
            section = line[3:]
        elif match := re.match(r"\| `(\w+)` \|", line):
            fields[section].append(match[1])
    fields["exits"] += fields["vm_exits"][3:]
    fields["containers"] += fields["threads"][fields["threads"].index("unknown_ns") + 1:]
    return fields


def test_fields_are_those_documented(r):
    fields = documented_fields()
    out = report(r.lossy())
    assert list(out) == ["version", "span", *SECTIONS] and list(fields) == SECTIONS
    for section in SECTIONS:
        assert out[section] or section in ("findings", "missing"), section
        for row in out[section]:
            assert list(row) == fields[section], f"{section}: {list(row)}"


def csv_value(value):
    return "" if value is None else str(value)


def test_csv_is_the_same(r):
    for path in (SAMPLE, r.lossy()):
        whole = report(path)
        for section in SECTIONS:
            out, _ = analyze("--format", "csv", "--section", section, path)
            rows = list(csv.DictReader(io.StringIO(out)))
            assert len(rows) == len(whole[section])
            for row, truth in zip(rows, whole[section]):
                for key, value in truth.items():
                    same = float(row[key]) == value if isinstance(value, float) \
                        else row[key] == csv_value(value)
                    assert same, f"{section} {key}: {row[key]!r}, {value!r}"


def test_csv_of_several_sections(r):
    out, _ = analyze("--format", "csv", SMALL)
    tables = out.split("\n\n")
    assert [t.split("\n")[0] for t in tables] == [f"# {s}" for s in SECTIONS]


def test_numbers_add_up(r):
    for path in r.all():
        out = report(path)
        for v in out["vcpus"]:
            assert sum(v[f"{s}_ns"] for s in STATES) == v["span_ns"]
            assert v["span_ns"] == out["span"]["end_ns"] - out["span"]["begin_ns"]
            own = [s for s in out["steal"] if s["vcpu_id"] == v["id"]]
            assert sum(s["preempted_ns"] for s in own) == v["preempted_ns"]
            assert sum(s["waiting_ns"] for s in own) == v["waiting_ns"]
            cpus = [c for c in out["pcpus"] if c["vcpu_id"] == v["id"]]
            assert sum(c["guest_ns"] for c in cpus) == v["guest_ns"]
        for e in out["exits"] + out["vm_exits"]:
            assert sum(e[p] for p in PARTS) == e["total_ns"]
            assert e["cost_ns"] == e["handled_ns"] - e["polled_ns"] + e["userspace_ns"]
            if e["unfinished"] < e["count"]:
                assert e["min_ns"] <= e["p50_ns"] <= e["p99_ns"] <= e["max_ns"]
                assert e["min_ns"] <= e["mean_ns"] <= e["max_ns"]


def test_a_file_gives_the_same_report(r):
    for path in r.all() + [r.contained()]:
        file = r.results(path)
        for options in (["--all"], ["--format", "json"], ["--format", "csv"]):
            assert vmscope("report", *options, file) == analyze(*options, path)
    file = r.results(SAMPLE)
    whole = json.loads(vmscope("report", "--format", "json", file)[0])
    some = json.loads(vmscope("report", "--format", "json", file, "waits", "steal")[0])
    assert list(some) == ["version", "span", "steal", "waits"]
    assert all(some[k] == whole[k] for k in some)
    for section in SECTIONS:
        assert vmscope("report", file, section) == analyze("--section", section, SAMPLE), section


def test_report_refuses(r):
    _, err = vmscope("report", status=2)
    assert "analyze -o" in err
    assert "'nonsense'" in vmscope("report", r.results(SAMPLE), "nonsense", status=2)[1]
    assert "/nonexistent" in vmscope("report", "/nonexistent", status=1)[1]
    cut = r.directory / "cut.vms"
    cut.write_bytes(r.results(SAMPLE).read_bytes()[:-1000])
    out, err = vmscope("report", cut, status=1)
    assert out == "" and "cut.vms" in err
    vmscope("report", "--strict", r.results(r.lossy()), status=3)


def test_analyze_leaves_no_file(r):
    scratch = r.directory / "scratch"
    scratch.mkdir()
    done = subprocess.run([VMSCOPE, "analyze", SMALL], env={**ENV, "TMPDIR": str(scratch)},
                          stdout=subprocess.DEVNULL)
    assert done.returncode == 0 and list(scratch.iterdir()) == []
    done = subprocess.run([VMSCOPE, "analyze", SMALL], env={**ENV, "TMPDIR": "/nonexistent"}, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert (done.returncode, done.stdout) == (1, "") and "/nonexistent" in done.stderr


def keyed(rows, *keys):
    found = {tuple(row[k] for k in keys): row for row in rows}
    assert len(found) == len(rows)
    return found


def test_sections_are_what_sql_says(r):
    for path in (SAMPLE, r.many(), r.contained()):
        file, out = r.results(path), report(path)
        vcpus = keyed(query(file, "SELECT * FROM vcpu_summary"), "vcpu_id")
        assert all(v[f"{s}_ns"] == vcpus[v["id"],][f"{s}_ns"] for v in out["vcpus"] for s in STATES)
        listed = query(file, "SELECT * FROM exit_summary")
        exits = keyed(listed, "vcpu_id", "reason")
        exactly = keyed(query(file, "SELECT vcpu_id, reason, percentile(dur, 0.99) AS p99_ns FROM vm_exit GROUP BY 1, 2"),
                        "vcpu_id", "reason")
        assert [e["cost_ns"] for e in listed] == sorted((e["cost_ns"] for e in listed), reverse=True)
        for v in out["vcpus"]:
            costs = [e["cost_ns"] for e in out["exits"] if e["vcpu_id"] == v["id"]]
            assert costs == sorted(costs, reverse=True), costs
        assert len(exits) == len(out["exits"])
        for e in out["exits"]:
            truth = exits[e["vcpu_id"], e["reason"]]
            assert (e["count"], e["total_ns"], e["max_ns"]) == \
                (truth["exits"], truth["total_ns"] or 0, truth["max_ns"])
            assert (e["polled_ns"], e["cost_ns"]) == (truth["polled_ns"], truth["cost_ns"])
            assert all(e[p] == truth[p] for p in PARTS)
            assert e["p99_ns"] == truth["p99_ns"]
            if e["p99_ns"] is not None:
                exact = exactly[e["vcpu_id"], e["reason"]]["p99_ns"]
                assert exact <= e["p99_ns"] <= exact * 129 / 128
        about = keyed(query(file, """SELECT v.machine_id, detail, sum(d.exits) AS exits, sum(total_ns) AS total, sum(cost_ns) AS cost,
            max(max_ns) AS most FROM exit_detail_summary d JOIN vcpu v ON v.id = d.vcpu_id GROUP BY 1, 2"""), "machine_id", "detail")
        assert len(about) == len(out["exit_details"])
        for d in out["exit_details"]:
            truth = about[d["machine_id"], d["detail"]]
            assert (d["count"], d["total_ns"], d["cost_ns"], d["max_ns"]) == \
                (truth["exits"], truth["total"], truth["cost"], truth["most"]), (d, truth)
        steal = collections.Counter()
        for s in query(file, "SELECT * FROM steal_matrix"):
            steal[s["vcpu_id"], s["occupant_tid"]] += s["steal_ns"]
        for s in out["steal"]:
            steal[s["vcpu_id"], s["tid"]] -= s["preempted_ns"] + s["waiting_ns"] + s["throttled_ns"]
        assert not any(steal.values())
        splits = keyed(query(file, "SELECT * FROM vcpu_split"), "vcpu_id")
        assert len(splits) == len(out["split"])
        for s in out["split"]:
            truth = splits[s["vcpu_id"],]
            assert all(s[k] == truth[k] for k in s if k.endswith("_ns")), (s, truth)
        threads = keyed(query(file, "SELECT * FROM thread_summary"), "thread_id")
        for t in out["threads"]:
            if (t["thread_id"],) in threads:
                truth = threads[t["thread_id"],]
                assert all(t[f"{s}_ns"] == truth[f"{s}_ns"] for s in THREAD_STATES)
        wakeups = query(file, "SELECT vcpu_id, count(*) AS n, sum(run_ns) AS total, max(run_ns) AS most "
                              "FROM wakeup WHERE run_ns IS NOT NULL AND vcpu_id IS NOT NULL GROUP BY vcpu_id")
        whole = [w for w in out["latency"] if w["stage"] == "all"]
        assert [(w["vcpu_id"], w["count"], w["total_ns"], w["max_ns"]) for w in whole] == \
            [(w["vcpu_id"], w["n"], w["total"], w["most"]) for w in wakeups]
        waits = keyed(query(file, """
            SELECT e.vcpu_id, coalesce(i.source, 'unknown') AS source, count(*) AS n, sum(blocked_ns) AS total
            FROM vm_exit e JOIN vcpu v ON v.id = e.vcpu_id
            LEFT JOIN irq_vector i ON i.machine_id = v.machine_id AND i.vector = e.vector
            WHERE blocked_ns > 0 GROUP BY 1, 2"""), "vcpu_id", "source")
        assert len(waits) == len(out["waits"])
        senders = {(s["machine_id"], s["source"], s["tid"], s["comm"]) for s in query(file, """
            SELECT i.machine_id, i.source, t.tid, t.comm FROM irq_vector i LEFT JOIN thread t ON t.id = i.sender_thread_id""")}
        for w in out["waits"]:
            truth = waits[w["vcpu_id"], w["source"]]
            assert (w["count"], w["total_ns"]) == (truth["n"], truth["total"])
            assert w["source"] == "unknown" or (w["machine_id"], w["source"], w["by_tid"], w["by_comm"]) in senders, w
            assert w["source"] != "ipi" or w["by_tid"] is None, w


def test_threads_add_up(r):
    for path in (SAMPLE, r.contained()):
        out = report(path)
        length = out["span"]["end_ns"] - out["span"]["begin_ns"]
        for t in out["threads"]:
            assert sum(t[f"{s}_ns"] for s in THREAD_STATES) in (0, length)
            assert t["believed_ns"] == t["ran_ns"] + t["stolen_ns"] + t["hypervisor_ns"]
        for m in out["machines"]:
            rows = [c for c in out["containers"] if c["machine_id"] == m["id"]]
            own = [t for t in out["threads"] if t["machine_id"] == m["id"]]
            for key in [f"{s}_ns" for s in THREAD_STATES] + ["ran_ns", "believed_ns"]:
                assert sum(c[key] for c in rows) == sum(t[key] for t in own)
            for c in rows:
                if c["depth"] == 0:
                    assert (c["threads_with_nested"], c["ran_with_nested_ns"]) == \
                        (len(own), sum(t["ran_ns"] for t in own))
        for w in out["latency"]:
            assert w["min_ns"] <= w["p50_ns"] <= w["p99_ns"] <= w["max_ns"]
        totals = collections.Counter()
        for w in out["latency"]:
            totals[w["vcpu_id"]] += w["total_ns"] * (-1 if w["stage"] == "all" else 1)
        assert totals and not any(totals.values())


def diff(*args, status):
    out, err = vmscope("diff", *args, status=status)
    assert err == ""
    return out


def test_diff(r):
    calm = r.results(r.simulated("calm", "--vms", "2", "--vcpus", "2", "--pcpus", "4"))
    busy = r.results(r.simulated("busy", "--vms", "2", "--vcpus", "2", "--pcpus", "2", "--contention"))
    assert diff(calm, calm, status=0).startswith("0 of ")
    assert "!" not in diff("--all", calm, calm, status=0)
    text = diff(calm, busy, status=1)
    assert re.search(r"^  g1 +0 +preempted +[\d.]+ % +[\d.]+ % +\+[\d.]+ pp$", text, re.M), text
    assert re.search(r"lost to (vcpu|process)", text)
    assert all(len(line) <= WIDTH for line in diff("--all", calm, busy, status=1).splitlines())
    out = json.loads(diff("--format", "json", calm, busy, status=1))
    for file, key in ((calm, "before"), (busy, "after")):
        rows = {(v["machine"], v["vcpu_index"]): v
                for v in json.loads(vmscope("report", "--format", "json", file, "vcpus")[0])["vcpus"]}
        exits = {(e["machine"], e["vcpu_index"], e["name"]): e
                 for e in json.loads(vmscope("report", "--format", "json", file, "exits")[0])["exits"]}
        seen = set()
        for c in out["changes"]:
            v = rows[c["machine"], c["vcpu_index"]]
            if c["what"] in STATES:
                truth = 100 * v[f"{c['what']}_ns"] / (v["span_ns"] - v["unknown_ns"])
                assert abs(c[key] - truth) < 1e-9
            elif c["kind"] == "rate" and c["what"] != "all exits":
                e = exits.get((c["machine"], c["vcpu_index"], c["what"]))
                assert abs(c[key] - (e["rate_hz"] if e else 0)) < 1e-6
            elif c["kind"] == "latency" and not c["what"].startswith("wake-up"):
                name, quantile = c["what"].rsplit(" ", 1)
                assert c[key] == exits[c["machine"], c["vcpu_index"], name][f"{quantile}_ns"]
            seen.add(c["kind"])
        assert seen == {"share", "rate", "latency"}
    for c in out["changes"]:
        assert c["past"] == (c["change"] is None or abs(c["change"]) > out["thresholds"][c["kind"]])
    loose = [f"--threshold={k}=1e12" for k in ("share", "latency")]
    news = [c for c in out["changes"] if c["kind"] == "rate" and c["change"] is None]
    diff(*loose, "--threshold", "rate=1e12", calm, busy, status=1 if news else 0)


def test_diff_leads_with_the_worst(r):
    calm = r.results(r.simulated("calm", "--vms", "2", "--vcpus", "2", "--pcpus", "4"))
    busy = r.results(r.simulated("busy", "--vms", "2", "--vcpus", "2", "--pcpus", "2", "--contention"))
    out = json.loads(diff("--format", "json", calm, busy, status=1))
    past = [c for c in out["changes"] if c["past"]]
    assert past == out["changes"][:len(past)]
    kinds = [c["kind"] for c in past]
    shares = [abs(c["change"]) for c in past if c["kind"] == "share"]
    assert kinds[:len(shares)] == ["share"] * len(shares) and shares == sorted(shares, reverse=True) and shares
    times = [abs(c["change"]) / out["thresholds"][c["kind"]] for c in past if c["kind"] != "share" and c["before"] >= 1]
    assert times == sorted(times, reverse=True) and times
    by_vcpu = json.loads(diff("--format", "json", "--sort", "vcpu", calm, busy, status=1))["changes"]
    assert [(c["machine"], c["vcpu_index"]) for c in by_vcpu] == sorted((c["machine"], c["vcpu_index"]) for c in by_vcpu)
    assert sorted(map(str, by_vcpu)) == sorted(map(str, out["changes"]))
    text = diff("--top", "3", calm, busy, status=1).splitlines()
    first = out["changes"][0]
    assert text[1].split()[:3] == [first["machine"], str(first["vcpu_index"]), first["what"]]
    assert text[4] == f"  ... and {len(past) - 3} more (--top shows more)"
    some = json.loads(diff("--format", "json", "--vm", "g1", "--vcpu", "1", calm, busy, status=1))["changes"]
    assert some == [c for c in out["changes"] if (c["machine"], c["vcpu_index"]) == ("g1", 1)] and some
    for wrong in ["--vm", "nobody"], ["--vcpu", "2"], ["--sort", "x"], ["--top", "0"]:
        out, err = vmscope("diff", *wrong, calm, busy, status=2)
        assert out == "" and err.count("\n") == 1


def test_diff_of_a_part(r):
    calm = r.results(r.simulated("calm", "--vms", "2", "--vcpus", "2", "--pcpus", "4"))
    busy = r.results(r.simulated("busy", "--vms", "2", "--vcpus", "2", "--pcpus", "2", "--contention"))
    part = ["--begin", "+0.05", "--end", "+0.1"]
    out = json.loads(diff("--format", "json", *part, calm, busy, status=1))
    for file, key in ((calm, "before"), (busy, "after")):
        told = json.loads(vmscope("report", "--format", "json", *part, file, "vcpus")[0])
        assert out[key] == {k: told["span"][k] for k in ("begin_ns", "end_ns")}
        rows = {(v["machine"], v["vcpu_index"]): v for v in told["vcpus"]}
        for c in out["changes"]:
            if c["what"] in STATES:
                v = rows[c["machine"], c["vcpu_index"]]
                truth = 100 * v[f"{c['what']}_ns"] / (v["span_ns"] - v["unknown_ns"])
                assert abs(c[key] - truth) < 1e-9, c
    assert diff(*part, calm, busy, status=1).startswith("50.00 ms before, 50.00 ms after: --begin +0.05 --end +0.1\n\n")
    assert diff(*part, calm, calm, status=0).splitlines()[2].startswith("0 of ")


def test_diff_of_other_machines(r):
    calm = r.results(r.simulated("calm", "--vms", "2", "--vcpus", "2", "--pcpus", "4"))
    out = json.loads(diff("--format", "json", calm, r.results(SAMPLE), status=1))
    gone = {(c["machine"], c["vcpu_index"]) for c in out["changes"] if (c["kind"], c["what"]) == ("presence", "gone")}
    assert {("g2", 0), ("g2", 1), ("g1", 1)} <= gone
    assert "is not there any more" in diff(calm, r.results(SAMPLE), status=1)


def test_diff_trouble(r):
    file = r.results(SAMPLE)
    for args in ([file], [file, "/nonexistent"], ["--threshold", "share", file, file],
                 ["--threshold", "share=-1", file, file], ["--threshold", "x=1", file, file],
                 ["--threshold", "rate=nan", file, file], ["--format", "csv", file, file]):
        out, err = vmscope("diff", *args, status=2)
        assert out == "" and err.count("\n") == 1


def test_containers_are_a_tree(r):
    out = report(r.contained())
    containers = {c["container_id"]: c for c in out["containers"] if c["container_id"] is not None}
    assert containers
    for c in containers.values():
        parent = containers.get(c["parent_id"])
        assert c["depth"] == (parent["depth"] + 1 if parent else 1)
        inside = [d for d in containers.values() if d["parent_id"] == c["container_id"]]
        assert c["threads_with_nested"] == c["threads"] + sum(d["threads_with_nested"] for d in inside)
    text, _ = analyze("--section", "containers", "--all", r.contained())
    for c in containers.values():
        assert re.search(rf"^ {{{2 + 2 * c['depth']}}}{re.escape(c['container'])} ", text, re.M), c
    assert "none" in analyze("--section", "containers", SAMPLE)[0]


def test_a_vms_exits_are_those_of_its_vcpus(r):
    out = report(r.many())
    sums = collections.Counter()
    for e in out["exits"]:
        for key in ("count", "total_ns", "early_ns"):
            sums[e["machine_id"], e["reason"], key] += e[key]
    for e in out["vm_exits"]:
        for key in ("count", "total_ns", "early_ns"):
            assert sums.pop((e["machine_id"], e["reason"], key)) == e[key]
    assert not sums


def test_ids_lead_to_rows(r):
    out = report(r.many())
    machines = {m["id"]: m for m in out["machines"]}
    vcpus = {v["id"]: v for v in out["vcpus"]}
    assert len(machines) == len(out["machines"]) and len(vcpus) == len(out["vcpus"])
    untraced = [m for m in machines.values() if m["trace_path"] is None]
    assert len(untraced) == 5 and all(m["role"] == "guest" and m["pid"] for m in untraced)
    for m in machines.values():
        assert m["parent_id"] is None or machines[m["parent_id"]]["role"] == "host"
    for section in ("vcpus", "steal", "exits"):
        for row in out[section]:
            assert machines[row["machine_id"]]["name"] == row["machine"]
    for s in out["steal"]:
        if s["occupant_kind"] == "vcpu":
            assert vcpus[s["occupant_vcpu_id"]]["host_tid"] == s["tid"]
        assert (s["occupant_kind"] == "idle") == (s["tid"] == 0)


def test_occupants_have_names(r):
    kinds = collections.defaultdict(set)
    for s in report(r.many())["steal"]:
        kinds[s["occupant_kind"]].add(s["occupant"])
    assert {"vcpu", "vmm", "vhost", "process"} <= set(kinds), kinds.keys()
    assert any(re.fullmatch(r"vCPU \d of g1", o) for o in kinds["vcpu"])
    assert any(re.fullmatch(r"qemu-system-x86 of vm-\d+ itself, pid \d+", o) for o in kinds["vmm"])
    kinds = {s["occupant"]: s["occupant_kind"] for s in report(SAMPLE)["steal"]}
    assert kinds["idle (wake-up latency)"] == "idle"
    assert kinds["kernel thread rcu_preempt"] == "kernel"
    assert kinds["qemu-system-x86 of g1 itself, pid 132"] == "vmm"


def test_who_took_the_cpu_is_said(r):
    out, _ = analyze("--section", "steal", r.many())
    assert re.search(r"Who had the CPU while vCPU 0 of g1 could run: lost [\d.]+ [mu]s, [\d.]+ %", out)
    assert re.search(r"[\d.]+ [mu]s +[\d.]+ % .* vCPU \d of vm-\d+", out)


def test_a_part_of_the_recording_is_as_sql_has_it(r):
    for path in (SAMPLE, r.many()):
        file = r.results(path)
        (span,) = query(file, "SELECT min(first_ns) AS b, max(last_ns) AS e FROM vcpu_state_total")
        length = span["e"] - span["b"]
        for begin, end in ((span["b"] + length // 3, span["b"] + length // 2), (span["b"], span["b"] + 1000003),
                           (span["e"] - length // 7, span["e"])):
            told = json.loads(vmscope("report", "--format", "json", "--begin", begin, "--end", end, file)[0])
            assert told["span"] == {"begin_ns": begin, "end_ns": end, "time_origin": "epoch"}
            assert all(v["span_ns"] == end - begin for v in told["vcpus"])
            check_part(file, told, f"max(0, min(ts + dur, {end}) - max(ts, {begin}))", f"ts >= {begin} AND ts < {end}")


def check_part(file, told, inside, begins):
    """inside: how much of an interval lies in the part; begins: whether a row counts."""
    def by(key, rows, *values):
        return {r[key]: tuple(r[v] for v in values) for r in rows if any(r[v] for v in values)}

    for table, key, state, rows in (("vcpu_state", "vcpu_id", "preempted", "vcpus"),
                                    ("thread_state", "thread_id", "user", "threads")):
        found = query(file, f"SELECT {key}, sum({inside}) AS ns FROM {table} WHERE state = '{state}' GROUP BY 1")
        rows = [{**row, "vcpu_id": row.get("id")} for row in told[rows]] if rows == "vcpus" else told[rows]
        assert by(key, rows, f"{state}_ns") == by(key, found, "ns"), table
    found = query(file, "SELECT vcpu_id, count(*) AS count, coalesce(sum(dur), 0) AS ns FROM vm_exit "
                        f"WHERE {begins} GROUP BY 1")
    sums = collections.defaultdict(lambda: {"count": 0, "ns": 0})
    for row in told["exits"]:
        sums[row["vcpu_id"]]["count"] += row["count"]
        sums[row["vcpu_id"]]["ns"] += row["total_ns"]
    assert {k: (v["count"], v["ns"]) for k, v in sums.items()} == by("vcpu_id", found, "count", "ns")
    assert by("id", told["vcpus"], "exits") == {k: v[:1] for k, v in by("vcpu_id", found, "count", "ns").items()}
    (found,) = query(file, f"SELECT sum({inside}) AS ns FROM vcpu_state WHERE state IN ('preempted', 'waiting')")
    assert sum(row["preempted_ns"] + row["waiting_ns"] for row in told["steal"]) == (found["ns"] or 0)


def test_a_part_is_written_as_people_write_times(r):
    file = r.results(SAMPLE)
    out = vmscope("report", "--begin", "+15.3", "--end", "+15.45", file, "vcpus")[0]
    assert out.startswith("150.0 ms, from +15.3 s to +15.45 s (--begin +15.3 --end +15.45), of\n20.19 s from ")
    assert vmscope("report", "--begin", "+0", file)[0].splitlines()[1:] == vmscope("report", file)[0].splitlines()
    for wrong in ["--begin", "soon"], ["--begin", "+2", "--end", "+1"]:
        assert vmscope("report", *wrong, file, status=2)[1].startswith("vmscope report: ")


def test_losses_are_said(r):
    out, _ = analyze(r.lossy())
    assert out.splitlines()[2].startswith("WARNING: events-lost (")
    assert re.fullmatch(r"WARNING: events-lost \(\w+\), \d+ times: .*", out.splitlines()[2]) and "Warnings" not in out
    out, _ = analyze("--all", r.lossy())
    assert re.fullmatch(r"WARNING: events-lost \(.*\); see Warnings below\.", out.splitlines()[2])
    assert re.search(r"damage: \w+: events-lost, \d+ times, first after [\d.]+ [mun]?s", out)
    analyze("--strict", r.lossy(), status=3)
    analyze("--strict", SAMPLE)
    whole = report(r.lossy())
    lost = sum(d["count"] for d in whole["diag"] if d["name"] == "events-lost")
    assert lost == sum(m["lost_events"] or 0 for m in whole["machines"]) > 0


def lost_of(out):
    """The last column of each traced machine."""
    table = out.split("\nMachines\n\n")[1].split("\n\n")[0].splitlines()
    column = table[0].index("  lost")
    return {row.split()[0]: row[column - 10:].split("  ")[-1].strip() for row in table[1:] if "not traced" not in row}


def test_lost_packets_are_no_none(r):
    lossy = r.simulated("packets", "--lost-packets", "20", "--packet-size", "8k")
    lost = lost_of(analyze("--section", "machines", lossy)[0])
    assert re.fullmatch(r"\d+ packets?", lost["host"]), lost
    both = r.simulated("both", "--lost-packets", "20", "--lost-events", "5", "--packet-size", "8k")
    assert re.fullmatch(r"\d+ \+ \d+ packets?", lost_of(analyze("--section", "machines", both)[0])["host"])
    assert set(lost_of(analyze("--all", SAMPLE)[0]).values()) == {"none"}
    cut = r.directory / "cut"
    shutil.copytree(SAMPLE, cut)
    stream = cut / "host/kernel/k_0"
    stream.write_bytes(stream.read_bytes()[:-100000])
    assert lost_of(analyze("--all", cut)[0]) == {"host": "some", "g1": "none"}


def test_clocks_as_they_are_are_loud(r):
    assert "\nWARNING: clock-not-synchronized (g1), 1 time: " in analyze("--sync", "none", SAMPLE)[0]
    out, _ = analyze("--sync", "none", "--all", SAMPLE)
    assert "WARNING: clock-not-synchronized (g1)" in out and "NONE: clocks as they are" in out
    diag = report("--sync", "none", SAMPLE)["diag"]
    assert [(d["name"], d["machine"]) for d in diag] == [("clock-not-synchronized", "g1")]


def test_hosts_without_a_clock_in_common(r):
    """Nobody knows anything of the time between their recordings; that is not what they did."""
    small = pathlib.Path(r.contained(), "host")
    alone = [report(path)["vcpus"] for path in (f"{SAMPLE}/host", small)]
    out, _ = analyze(f"{SAMPLE}/host", f"other={small}")
    assert "WARNING: clock-unrelated (other)" in out and "by 2 clocks that are not related" in out.splitlines()[0]
    both = report(f"{SAMPLE}/host", f"other={small}")
    assert sorted(v["span_ns"] for v in both["vcpus"]) == sorted(v["span_ns"] for vcpus in alone for v in vcpus)
    assert [(d["name"], d["machine"]) for d in both["diag"]] == [("clock-unrelated", "other")]
    given = report(f"{SAMPLE}/host", f"other={small}", "--clock-offset", "other=0")
    spans = {v["span_ns"] for v in given["vcpus"]}
    assert not given["diag"] and len(spans) == 1 and spans.pop() > sum(v["span_ns"] for v in both["vcpus"])


def chosen(machine, *args):
    rows = [s for s in report(*args)["sync"] if s["machine"] == machine and s["chosen"]]
    assert len(rows) == 1
    return rows[0]


def test_clock_offset(r):
    g1 = chosen("g1", "--clock-offset", "g1=576418600", SAMPLE)
    assert (g1["method"], g1["offset_ns"], g1["drift_ppb"]) == ("given", 576418600, 0)
    g1 = chosen("g1", "--clock-offset", "g1=-5,1.00001", SAMPLE)
    assert g1["offset_ns"] == -5 and abs(g1["drift_ppb"] - 10000) < 1e-3
    for bad in ("g1", "=5", "g1=", "g1=x", "g1=5,", "g1=5,0", "g1=5,1.1x", "g1=99999999999999999999"):
        _, err = analyze("--clock-offset", bad, SAMPLE, status=2)
        assert err.count("\n") == 1 and "--clock-offset" in err
    _, err = analyze("--clock-offset", "nobody=5", SAMPLE, status=1)
    assert "'nobody'" in err


def test_usage_errors(r):
    for args in (["--format", "xml"], ["--section", "x"], ["--sync", "x"], ["--nonsense"]):
        out, err = analyze(*args, SMALL, status=2)
        assert out == "" and err.count("\n") == 1
    analyze(status=2)
    _, err = analyze("/nonexistent", status=1)
    assert "/nonexistent" in err


def test_missing_events_are_said(r):
    details = [d["detail"] for d in report(SMALL)["diag"] if d["name"] == "details-not-recorded"]
    assert len(details) == 2 and all("sched_wakeup: " in d for d in details)


def test_guest_alone_says_what_is_missing(r):
    out, _ = analyze(f"{SAMPLE}/g1")
    first, *_, third, fourth = out.splitlines()[:4]
    assert first == "No host was recorded: g1 is told as it believes itself to be"
    assert "0 hosts" in third and "no-vcpu" in fourth


def test_host_alone(r):
    out = report(f"{SAMPLE}/host")
    assert [(m["name"], m["role"]) for m in out["machines"]] == [("host", "host"), ("vm-132", "guest")]
    whole = report(SAMPLE)["vcpus"][0]
    assert out["vcpus"][0]["guest_ns"] == whole["guest_ns"]


def test_readme_shows_the_true_report(r):
    text = pathlib.Path(ROOT, "README.md").read_text()
    shown = re.search(r"<!-- report -->\n```text\n(.*?)```\n", text, re.S)
    assert shown and shown[1] == analyze(SAMPLE)[0], \
        "README.md shows another report: tools/readme-report puts in what is printed"


def main():
    tests = [(n, f) for n, f in globals().items() if n.startswith("test_")]
    failed = 0
    with tempfile.TemporaryDirectory() as directory:
        recordings = Recordings(directory)
        for i, (name, test) in enumerate(tests, 1):
            try:
                test(recordings)
                print(f"ok {i} - {name[5:]}")
            except Exception:
                failed += 1
                print(f"not ok {i} - {name[5:]}")
                print("".join(f"# {line}\n" for line in traceback.format_exc().splitlines()[-6:]), end="")
    print(f"1..{len(tests)}")
    sys.exit(1 if failed else 0)


main()
