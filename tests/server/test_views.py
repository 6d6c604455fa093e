#!/usr/bin/python3
"""
test_views.py VMSCOPE SIM SAMPLE: what the server shows is what SQL says, under both of its interfaces, and
every reply is what schema/ says. As TAP.
"""
import atexit
import bisect
import json
import random
import subprocess
import sys
import urllib.parse

try:
    import schema
except ImportError:
    print("1..0 # SKIP there is no python3-jsonschema")
    sys.exit(0)
import service
from service import row

HISTOGRAM = "org.eclipse.tracecompass.internal.tmf.core.histogram.HistogramDataProvider"
GRAPHS = {"vmscope.vcpus": "vcpu", "vmscope.threads": "thread", "vmscope.cpus": "cpu"}
CHARTS = (HISTOGRAM, "vmscope.exits", "vmscope.steal", "vmscope.latency")
TABLES = ("vcpus", "exits", "threads", "cpus")
STATES = {"vcpus": "vcpu", "threads": "thread", "cpus": "cpu"}


class Shown:
    """One results file: served, and as SQL has it. Times are the page's: from the experiment's start."""

    def __init__(self, server, data, results):
        self.server, self.sql = server, lambda statement: data.query(results, statement)
        self.report = lambda *options: data.report(results, *options)
        self.exp = next(e for e in server.experiments() if e["name"] == results.name)
        self.start = int(self.exp["start"])
        self.end = self.start + self.exp["duration"]
        self.api, self.tsp = f"/api/experiments/{self.exp['id']}", f"/experiments/{self.exp['id']}/outputs"
        self.rows = self.post_rows()
        self.lanes = {"vcpus": {}, "threads": {}, "cpus": {}}
        cpus = [(r["machine_id"], r["cpu"]) for r in
                self.sql("SELECT DISTINCT machine_id, cpu FROM cpu_state ORDER BY 1, 2")]
        for r in self.sql("SELECT * FROM vcpu_state ORDER BY vcpu_id, ts"):
            self.add("vcpus", row("vcpu", r["vcpu_id"]), r)
        for r in self.sql("SELECT * FROM thread_state ORDER BY thread_id, ts"):
            self.add("threads", row("thread", r["thread_id"]), r)
        for r in self.sql("SELECT * FROM cpu_state ORDER BY machine_id, cpu, ts"):
            self.add("cpus", row("cpu", cpus.index((r["machine_id"], r["cpu"]))), r)

    def post_rows(self):
        return schema.good(self.server.get(self.api + "/rows"), "page", "rows")

    def add(self, output, item, r):
        begin = r["ts"] - self.start
        self.lanes[output].setdefault(item, []).append((begin, begin + r["dur"], r["state"]))

    def names(self, output):
        return [s["name"] for s in self.rows["states"][STATES[output]]]

    def page_lanes(self, output, items, begin, end, pixels=2000):
        reply = self.server.post(self.api + "/lanes", {"output": output, "start": begin, "end": end,
                                                       "pixels": pixels, "items": items})
        assert reply.status == 200 and reply.headers["Content-Type"] == "application/octet-stream", reply.data[:200]
        names = self.names(output)
        return {item: [(b, e, names[s], truth) for b, e, s, truth, _ in states]
                for item, states in service.read_lanes(reply.data).items()}

    def tsp_lanes(self, output, items, begin, end, pixels=2000):
        path = f"{self.tsp}/timeGraph/vmscope.{output}/states"
        reply = self.server.tsp(path, requested_items=items, requested_timerange={
            "start": self.start + begin, "end": self.start + end - 1, "nbTimes": pixels})
        rows = schema.model(reply, "states")["rows"]
        return {r["entryId"]: [(s["start"] - self.start, s["end"] - self.start, s["style"]["parentKey"].split(".")[1])
                               for s in r["states"]] for r in rows}

    def points(self, n, seed):
        """Random rows, each with a random time at which it has a state."""
        rng = random.Random(seed)
        for _ in range(n):
            output = rng.choice(list(self.lanes))
            item = rng.choice(list(self.lanes[output]))
            rows = self.lanes[output][item]
            yield rng, output, item, rng.randrange(rows[0][0], rows[-1][1])

    def at(self, output, item, t):
        """Return: the state that SQL has there."""
        rows = self.lanes[output][item]
        found = rows[bisect.bisect_right(rows, t, key=lambda r: r[0]) - 1]
        assert found[0] <= t < found[1]
        return found

    def window(self, output, item, t):
        """A stretch around t that has few enough states to be shown one by one."""
        rows = self.lanes[output][item]
        i = bisect.bisect_right(rows, t, key=lambda r: r[0]) - 1
        return max(rows[max(i - 400, 0)][0], t - 10**9), min(rows[min(i + 400, len(rows) - 1)][1], t + 10**9)


def find_state(states, t):
    found = [s for s in states if s[0] <= t < s[1]]
    assert len(found) == 1, (t, found)
    return found[0]


DATA = service.Data(*sys.argv[1:4])
CROWD_RECORDING, CROWD = DATA.crowd()
GAPS = DATA.analyze("gaps", DATA.simulate("gaps", "--lost-packets", 10, "--packet-size", "8k", "--duration", 0.2,
                                          "--seed", 7))
SERVER = service.Service(sys.argv[1], DATA.sample, CROWD, GAPS)
atexit.register(SERVER.process.kill)
SHOWN = [Shown(SERVER, DATA, results) for results in (DATA.sample, CROWD)]
GAPPY = Shown(SERVER, DATA, GAPS)


# ---- pictures -----------------------------------------------------------------------------------------


def test_500_points_are_as_in_sql():
    """Both interfaces, to the ns."""
    for shown in SHOWN:
        for _, output, item, t in shown.points(250, 4711):
            wanted = shown.at(output, item, t)
            begin, end = shown.window(output, item, t)
            assert find_state(shown.page_lanes(output, [item], begin, end)[item], t) == (*wanted, 0), (output, item, t)
            assert find_state(shown.tsp_lanes(output, [item], begin, end)[item], t) == wanted, (output, item, t)


def test_any_zoom_is_true():
    """What is said to be exact is; what is gathered has true bounds, and the state was there."""
    for shown in SHOWN:
        for rng, output, item, t in shown.points(60, 12):
            length = int(2 ** rng.uniform(10, shown.exp["duration"].bit_length()))
            begin, pixels = t - rng.randrange(length), rng.choice([1, 7, 100, 2000])
            states = shown.page_lanes(output, [item], begin, begin + length, pixels)[item]
            assert all(a[1] == b[0] for a, b in zip(states, states[1:])), "states touch each other"
            lane = shown.lanes[output][item]
            assert states[0][0] <= max(begin, lane[0][0]) and states[-1][1] >= min(begin + length, lane[-1][1])
            for state in states:
                check_truth(lane, state)
            tsp = shown.tsp_lanes(output, [item], begin, begin + length, pixels)[item]
            assert tsp == [s[:3] for s in states], (output, item, begin, length, pixels)


def check_truth(lane, state):
    begin, end, name, truth = state
    i = bisect.bisect_right(lane, begin, key=lambda r: r[0]) - 1
    if truth == 0:
        assert lane[i] == state[:3], (lane[i], state)
    elif truth == 1:
        there = set()
        while i < len(lane) and lane[i][0] < end:
            assert lane[i][0] >= begin and lane[i][1] <= end
            there.add(lane[i][2])
            i += 1
        assert name in there, (state, there)


def shares(states, begin, end):
    """How long each state is within [begin, end)."""
    found = {}
    for b, e, name, *_ in states:
        found[name] = found.get(name, 0) + max(0, min(e, end) - max(b, begin))
    return found


def test_rare_states_are_seen():
    """A picture has as much of each state as there was."""
    for shown in SHOWN:
        for output, lanes in shown.lanes.items():
            for item, lane in list(lanes.items())[:12]:
                begin, end = lane[0][0], lane[-1][1]
                for pixels in (200, 1000):
                    drawn = shares(shown.page_lanes(output, [item], begin, end, pixels)[item], begin, end)
                    for name, ns in shares(lane, begin, end).items():
                        off = abs(drawn.get(name, 0) - ns)
                        assert off <= 4 * (end - begin) / pixels, (output, item, name, pixels, drawn.get(name, 0), ns)


def test_lanes_come_in_order():
    """Also such that there are not, and one twice."""
    shown = SHOWN[0]
    cpu = row("cpu", 0)
    items = [cpu, row("vcpu", 0), 2147483647, cpu, row("machine", 0)]
    reply = SERVER.post(shown.api + "/lanes", {"output": "cpus", "start": 0, "end": 10**9, "pixels": 10, "items": items})
    magic, n, *_ = [int.from_bytes(reply.data[i:i + 4], "little") for i in (0, 4)]
    assert n == len(items)
    assert [int.from_bytes(reply.data[16 + 16 * i:20 + 16 * i], "little") for i in range(n)] == items
    counts = [int.from_bytes(reply.data[20 + 16 * i:24 + 16 * i], "little") for i in range(n)]
    assert counts[0] == counts[3] > 0 and counts[1] > 0 and counts[2] == counts[4] == 0
    assert magic == 0x314c4d56


def test_details_and_tooltips():
    for shown in SHOWN:
        for _, output, item, t in shown.points(50, 99):
            begin, end, state = shown.at(output, item, t)
            found = schema.good(SERVER.post(shown.api + "/details", {"row": item, "time": t}), "page", "details")
            assert (found["start"], found["end"], found["state"]) == (begin, end, state)
            tip = schema.model(SERVER.tsp(f"{shown.tsp}/timeGraph/vmscope.{output}/tooltip", requested_items=[item],
                                          requested_times=[shown.start + t]), "tooltip")
            assert (tip["state"], tip["duration"]) == (state, f"{end - begin} ns")
        schema.refused(SERVER.post(shown.api + "/details", {"row": row("vcpu", 0), "time": -2**53}), 404)


def test_filters():
    """States that do not have the text are dimmed (tag 1), or not drawn (tag 4)."""
    shown = SHOWN[1]
    item = row("vcpu", 0)
    begin, end = shown.lanes["vcpus"][item][100][0], shown.lanes["vcpus"][item][200][1]
    for strategy, tag in (("1", 1), ("4", 4)):
        [lane] = schema.model(SERVER.tsp(f"{shown.tsp}/timeGraph/vmscope.vcpus/states", requested_items=[item],
            requested_timerange={"start": shown.start + begin, "end": shown.start + end, "nbTimes": 1000},
            filter_query_parameters={"strategy": "SAMPLED", "filter_expressions_map": {strategy: ["GUEST"]}}),
            "states")["rows"]
        tags = {s.get("tags", 0) for s in lane["states"]}
        assert tags == {0, tag}, tags
        for state in lane["states"]:
            name = shown.at("vcpus", item, state["start"] - shown.start)[2]
            assert state.get("tags", 0) == (0 if name == "guest" else tag)
            assert ("style" in state) == (state.get("tags") != 4)


# ---- arrows, charts, statistics, search ---------------------------------------------------------------


def arrows(shown, output, **more):
    found = schema.good(SERVER.post(f"{shown.api}/arrows", {"output": output, "start": 0,
        "end": shown.exp["duration"], "limit": 20000, **more}), "page", "arrows")
    assert not found["more"]
    assert found["start"] == sorted(found["start"])
    return sorted(zip(found["start"], found["end"], found["from"], found["to"]))


def test_arrows():
    for shown in SHOWN:
        taken = shown.sql("""SELECT s.ts, s.vcpu_id, t.vcpu_id AS taker FROM vcpu_state s
            JOIN thread t ON t.id = s.occupant_thread_id WHERE s.state = 'preempted' AND t.vcpu_id IS NOT NULL""")
        assert arrows(shown, "vcpus") == sorted(
            (r["ts"] - shown.start, r["ts"] - shown.start, row("vcpu", r["vcpu_id"]), row("vcpu", r["taker"]))
            for r in taken)
        woken = shown.sql("SELECT * FROM wakeup WHERE run_ns IS NOT NULL AND waker_thread_id IS NOT NULL")
        assert arrows(shown, "threads") == sorted(
            (r["ts"] - shown.start, r["ts"] - shown.start + r["run_ns"], row("thread", r["waker_thread_id"]),
             row("thread", r["thread_id"])) for r in woken)
        for output in ("vcpus", "threads"):
            all_ = arrows(shown, output)
            for item in sorted({a[2] for a in all_} | {a[3] for a in all_})[:20]:
                assert arrows(shown, output, items=[item]) == [a for a in all_ if item in a[2:]], (output, item)
        assert arrows(shown, "vcpus", items=[]) == []
        few = schema.good(SERVER.post(f"{shown.api}/arrows", {"output": "threads", "start": 0, "limit": 3,
            "end": shown.exp["duration"]}), "page", "arrows")
        assert few["more"] and len(few["from"]) == 3
        tsp = schema.model(SERVER.tsp(f"{shown.tsp}/timeGraph/vmscope.vcpus/arrows", requested_timerange={
            "start": shown.start, "end": shown.end, "nbTimes": 100}), "arrows")
        assert len(tsp) == min(len(taken), 5000)


def series(shown, output, items=None, begin=0, end=None, pixels=100):
    body = {"output": output, "start": begin, "end": end or shown.exp["duration"], "pixels": pixels}
    if items is not None:
        body["items"] = items
    found = schema.good(SERVER.post(f"{shown.api}/series", body), "page", "series")
    assert all(len(s["y"]) == len(found["x"]) for s in found["series"])
    return found


def lengths(found, end):
    return [b - a for a, b in zip(found["x"], [*found["x"][1:], end])]


def test_exits_per_second_add_up():
    for shown in SHOWN:
        counts = shown.sql("SELECT vcpu_id, reason, count(*) n FROM vm_exit GROUP BY 1, 2 ORDER BY 1, 2")
        found = series(shown, "exits", [row("exits", i) for i in range(len(counts))])
        for s, wanted in zip(found["series"], counts, strict=True):
            sum_ = sum(y * n / 1e9 for y, n in zip(s["y"], lengths(found, shown.exp["duration"])))
            assert abs(sum_ - wanted["n"]) < 0.01, (s["name"], sum_, wanted)


def test_each_exit_counts_where_it_is():
    """With as few exits per pixel as this all are counted one by one."""
    for shown in SHOWN:
        times = [r["ts"] - shown.start for r in shown.sql("SELECT ts FROM vm_exit WHERE vcpu_id = 0 ORDER BY 1")]
        begin, end = times[100], times[200]
        for items in ([row("vcpu", 0)], None):
            found = series(shown, "exits", items, begin, end)
            s = next(s for s in found["series"] if s["id"] == row("vcpu", 0))
            for x, y, n in zip(found["x"], s["y"], lengths(found, end)):
                wanted = bisect.bisect_left(times, x + n) - bisect.bisect_left(times, x)
                assert abs(y * n / 1e9 - wanted) < 0.01, (x, y, wanted)


def clipped(lane, begin, end, names):
    """Return: the time of these states in [begin, end)."""
    first = max(bisect.bisect_right(lane, begin, key=lambda r: r[0]) - 1, 0)
    last = bisect.bisect_left(lane, end, key=lambda r: r[0])
    return sum(max(0, min(b, end) - max(a, begin)) for a, b, name in lane[first:last] if name in names)


def test_steal_is_as_in_sql():
    """Of the time that is known; where nothing is, there is nothing to say."""
    gaps = 0
    for shown in (*SHOWN, GAPPY):
        found = series(shown, "steal", pixels=1000 if shown is GAPPY else 100)
        for s in found["series"]:
            lane = shown.lanes["vcpus"][s["id"]]
            for x, y, n in zip(found["x"], s["y"], lengths(found, shown.exp["duration"])):
                known = clipped(lane, x, x + n, set(shown.names("vcpus")) - {"unknown"})
                stolen = clipped(lane, x, x + n, ("preempted", "waiting"))
                assert y is None if not known else abs(y - 100 * stolen / known) < 0.01, (s["name"], x, y, stolen, known)
                gaps += y is None
    assert gaps


def test_latency_is_the_longest():
    for shown in SHOWN:
        rows = shown.sql("SELECT ts, run_ns, machine_id, thread_id FROM wakeup WHERE run_ns IS NOT NULL")
        machine, thread = rows[0]["machine_id"], rows[0]["thread_id"]
        found = series(shown, "latency", [row("machine", machine), row("thread", thread)])
        for s, key, value in zip(found["series"], ("machine_id", "thread_id"), (machine, thread), strict=True):
            for x, y, n in zip(found["x"], s["y"], lengths(found, shown.exp["duration"])):
                wanted = max((r["run_ns"] for r in rows if r[key] == value and x <= r["ts"] - shown.start < x + n),
                             default=0)
                assert (y or 0) == wanted, (s["name"], x, y, wanted)


def test_findings_are_those_of_the_report():
    for shown in SHOWN:
        begin, end = shown.exp["duration"] // 4, shown.exp["duration"] // 2
        for options, range_ in (((), {}), (("--begin", f"+{begin / 1e9:.9f}", "--end", f"+{end / 1e9:.9f}"),
                                           {"start": begin, "end": end})):
            found = schema.good(SERVER.post(f"{shown.api}/findings", range_), "page", "findings")
            wanted = shown.report(*options)
            assert len(found["findings"]) == len(wanted["findings"])
            for got, truth in zip(found["findings"], wanted["findings"]):
                assert all(got[k] == truth[k] for k in ("cause", "what", "where", "evidence", "against", "remedy"))
                assert got["cost"] == truth["cost_ns"] and got["of"] == truth["of_ns"]
            assert [m["event"] for m in found["missing"]] == [m["event"] for m in wanted["missing"]]


def statistics(shown, table, **range_):
    found = schema.good(SERVER.post(f"{shown.api}/statistics", {"table": table, **range_}), "page", "statistics")
    names = [c["name"] for c in found["columns"]]
    return [dict(zip(names, r, strict=True)) for r in found["rows"]]


def test_statistics_of_a_range():
    for shown in SHOWN:
        begin, end = shown.exp["duration"] // 3, shown.exp["duration"] // 2
        for table in ("vcpus", "threads", "cpus"):
            for r in statistics(shown, table, start=begin, end=end):
                lane = shown.lanes[table][r["row"]]
                for name in shown.names(table):
                    assert r[name] == clipped(lane, begin, end, (name,)), (table, r, name)
                assert r["total"] == sum(r[name] for name in shown.names(table))


def test_statistics_of_exits_and_steal():
    for shown in SHOWN:
        for r in statistics(shown, "exits"):
            [wanted] = shown.sql(f"""SELECT count(*) count, sum(dur) total, max(dur) max, sum(blocked_ns) blocked,
                iif(count(handled_ns) = count(dur), sum(handled_ns - polled_ns + userspace_ns), NULL) cost
                FROM vm_exit WHERE vcpu_id = {r['row'] - row('vcpu', 0)} AND name = '{r['reason']}'""")
            assert {k: r[k] for k in wanted} == {k: v or (0 if k in ("total", "blocked", "cost") else v)
                                                 for k, v in wanted.items()}, (r, wanted)
            if r["max"]:
                at = f"ts = {r['max_at'] + shown.start} AND vcpu_id = {r['row'] - row('vcpu', 0)}"
                assert shown.sql(f"SELECT dur FROM vm_exit WHERE {at}") == [{"dur": r["max"]}]
        stolen = statistics(shown, "steal")
        for vcpu in shown.rows["vcpus"]:
            lane = shown.lanes["vcpus"][vcpu["id"]]
            for column, states in (("steal", ("preempted", "waiting", "throttled")), ("preempted", ("preempted",)),
                                   ("waiting", ("waiting",)), ("throttled", ("throttled",))):
                wanted = clipped(lane, 0, shown.exp["duration"], states)
                assert sum(r[column] for r in stolen if r["row"] == vcpu["id"]) == wanted, column


def search(shown, **body):
    return schema.good(SERVER.post(f"{shown.api}/search", body), "page", "found")


def test_search():
    for shown in SHOWN:
        items = list(shown.lanes["vcpus"])
        all_ = sorted((begin, end, item, state) for item in items for begin, end, state in shown.lanes["vcpus"][item])
        for _, _, _, t in shown.points(20, 5):
            for states, least in ((["preempted"], 0), (["hypervisor", "halted"], 20000)):
                fit = [s for s in all_ if s[3] in states and s[1] - s[0] >= least]
                body = {"output": "vcpus", "items": items, "states": states, "min": least, "from": t}
                after, before = [s for s in fit if s[0] > t], [s for s in fit if s[0] < t]
                for direction, wanted in (("next", after[:1]), ("previous", before[-1:])):
                    found = search(shown, direction=direction, **body)
                    begins = [s[0] for s in wanted]
                    assert ([found["start"]] if found else []) == begins, (t, states, direction, found, wanted)
        assert search(shown, output="vcpus", items=items, label="no such label") == {}


# ---- the rest of the protocol -----------------------------------------------------------------------


def test_rows_are_those_of_sql():
    for shown in SHOWN:
        rows = shown.rows
        assert {v["id"] - row("vcpu", 0) for v in rows["vcpus"]} == {r["id"] for r in shown.sql("SELECT id FROM vcpu")}
        for output, family in (("vcpus", "vcpus"), ("threads", "threads"), ("cpus", "cpus")):
            for r in rows[family]:
                lane = shown.lanes[output].get(r["id"], [])
                assert r["times"] == [clipped(lane, -2**62, 2**62, (name,)) for name in shown.names(output)]
        vcpus = {v["id"] for v in rows["vcpus"]}
        runners = [t for t in rows["threads"] if t["vcpu"] is not None]
        assert runners and all(t["vcpu"] in vcpus for t in runners)


def containers_above(entries, entry):
    """Return: the containers that a row stands in, the innermost first, and its machine."""
    found = []
    while entry["parentId"] != -1:
        entry = entries[entry["parentId"]]
        if entry["id"] >> 26 == service.KINDS.index("container"):
            found.append(entry["id"] - row("container", 0))
    assert entry["id"] >> 26 == service.KINDS.index("machine")
    return found, entry["id"]


def test_threads_stand_in_their_containers():
    """In the protocol's tree, at any depth; what has no threads is not there."""
    depths = set()
    for shown in SHOWN:
        tree = schema.model(SERVER.tsp(f"{shown.tsp}/timeGraph/vmscope.threads/tree"), "graph tree")
        entries = {e["id"]: e for e in tree["entries"]}
        outer = {r["id"]: r["parent_id"] for r in shown.sql("SELECT id, parent_id FROM container")}
        used = set()
        for thread in shown.sql("SELECT id, machine_id, container_id FROM thread"):
            entry = entries.get(row("thread", thread["id"]))
            if not entry:
                continue
            chain, inner = [], thread["container_id"]
            while inner is not None:
                chain.append(inner)
                inner = outer[inner]
            assert containers_above(entries, entry) == (chain, row("machine", thread["machine_id"]))
            depths.add(len(chain))
            used.update(chain)
        assert used == {i - row("container", 0) for i in entries if i >= row("container", 0)}
    assert {0, 1, 2} <= depths, depths


def test_every_view_of_every_output():
    for shown in SHOWN:
        range_ = {"start": shown.start, "end": shown.end, "nbTimes": 50}
        for output in schema.good(SERVER.get("/tsp/api" + shown.tsp), "tsp", "outputs"):
            path = f"{shown.tsp}/{output['id']}"
            assert schema.good(SERVER.get("/tsp/api" + path), "tsp", "output") == output
            schema.model(SERVER.tsp(path + "/style"), "styles")
            schema.model(SERVER.get(f"/tsp/api{path}/annotations"), "categories")
            schema.model(SERVER.tsp(path + "/annotations", requested_timerange=range_), "annotations")
            schema.model(SERVER.tsp(path + "/annotations", requested_timerange=range_, requested_marker_categories=[]),
                         "annotations")
        for output in GRAPHS:
            graph = f"{shown.tsp}/timeGraph/{output}"
            tree = schema.model(SERVER.tsp(graph + "/tree", requested_timerange=range_), "graph tree")
            assert tree["entries"][0]["start"] == shown.start
            items = [e["id"] for e in tree["entries"]]
            assert {len(e["labels"]) for e in tree["entries"]} == {len(tree["headers"])}, "one label per header"
            schema.model(SERVER.tsp(graph + "/states", requested_timerange=range_, requested_items=items), "states")
            schema.model(SERVER.tsp(graph + "/states", requested_times=[shown.start, shown.end], requested_items=items), "states")
            schema.model(SERVER.tsp(graph + "/arrows", requested_timerange=range_), "arrows")
            schema.model(SERVER.tsp(graph + "/tooltip", requested_times=[shown.start], requested_items=items[:1]), "tooltip")
            for view, bodies in (("states", ({}, {"requested_timerange": range_}, {"requested_items": items})),
                                 ("arrows", ({}, {"requested_items": items})),
                                 ("tooltip", ({}, {"requested_times": [shown.start]}, {"requested_items": items}))):
                for body in bodies:
                    schema.refused(SERVER.tsp(f"{graph}/{view}", **body), 400)
        for output in CHARTS:
            tree = schema.model(SERVER.tsp(f"{shown.tsp}/XY/{output}/tree", requested_timerange=range_), "xy tree")
            assert {len(e["labels"]) for e in tree["entries"]} == {len(tree["headers"])}, "one label per header"
            schema.refused(SERVER.tsp(f"{shown.tsp}/XY/{output}/xy", requested_timerange=range_), 400)
            items = [e["id"] for e in tree["entries"] if e["hasData"]]
            xy = schema.model(SERVER.tsp(f"{shown.tsp}/XY/{output}/xy", requested_timerange=range_,
                                         requested_items=items), "xy")
            assert [s["seriesId"] for s in xy["series"]] == items
            assert all(s["xValues"] == xy["series"][0]["xValues"] and len(s["yValues"]) == 50 for s in xy["series"])
        for output in TABLES:
            schema.model(SERVER.tsp(f"{shown.tsp}/data/vmscope.stats.{output}/tree"), "data tree")


def test_bookmarks():
    """Made, changed, listed and removed; kept apart by experiment; what is wrong is said."""
    for shown in SHOWN[:2]:
        path = f"/tsp/api/experiments/{shown.exp['id']}/bookmarks"
        wish = {"name": "the stall", "start": shown.start + 5, "end": shown.start + 9}
        made = schema.good(SERVER.post(path, {"parameters": wish}), "tsp", "bookmark")
        assert {k: made[k] for k in wish} == wish and made["uuid"] == made["UUID"]
        again = schema.good(SERVER.post(path, {"parameters": wish}), "tsp", "bookmark")
        assert again["uuid"] != made["uuid"] and SERVER.get(path).json == [made, again]
        moved = {**wish, "name": "moved", "end": shown.end}
        put = SERVER.request("PUT", f"{path}/{made['uuid']}", json.dumps({"parameters": moved}))
        assert schema.good(put, "tsp", "bookmark") == {**made, **moved} == SERVER.get(f"{path}/{made['uuid']}").json
        for bad in ({}, {**wish, "name": None}, {**wish, "start": "x"}, {"name": "n", "start": 1}, {**wish, "end": 1}):
            schema.refused(SERVER.post(path, {"parameters": bad}), 400)
        gone = SERVER.request("DELETE", f"{path}/{again['uuid']}")
        assert schema.good(gone, "tsp", "bookmark") == again
        schema.refused(SERVER.get(f"{path}/{again['uuid']}"), 404)
        assert [b["name"] for b in SERVER.get(path).json] == ["moved"]


def test_a_trace_in_use_stays():
    for trace in SERVER.get("/tsp/api/traces").json:
        schema.refused(SERVER.request("DELETE", f"/tsp/api/traces/{trace['UUID']}"), 409)
        assert SERVER.get(f"/tsp/api/traces/{trace['UUID']}").status == 200


def recorded():
    """The crowd's events as `vmscope events` prints them, by machine: (time of its own, CPU, name)."""
    done = subprocess.run([sys.argv[1], "events", "--format", "json", CROWD_RECORDING], check=True,
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=120)
    found = {}
    for line in done.stdout.splitlines():
        e = json.loads(line)
        if "name" in e:
            found.setdefault(e["trace"], []).append((e["ts"], e.get("cpu"), e["name"], e))
    return found


def raw_events(shown, **ask):
    """All events of a range, asked for part by part; none twice and none missing."""
    found, skip = [], 0
    while True:
        part = schema.good(SERVER.post(f"{shown.api}/events", {**ask, "skip": skip}), "page", "events")
        found += part["events"]
        if not part["more"]:
            return found
        last = found[-1]["time"]
        skip = sum(e["time"] == last for e in found)
        ask["start"] = last


def test_events_of_the_recording():
    """Those that `vmscope events` prints, on the time line of the results; of a row those of its CPU while it ran."""
    shown = SHOWN[1]
    machines = {m["id"]: m["name"] for m in shown.rows["machines"]}
    host = next(m["name"] for m in shown.rows["machines"] if m["parent"] is None)
    truth = recorded()
    assert host in truth, (host, list(truth))
    begin, end = shown.exp["duration"] // 3, shown.exp["duration"] // 3 + 10**7
    got = raw_events(shown, start=begin, end=end, limit=97)
    assert [e["time"] for e in got] == sorted(e["time"] for e in got)
    wanted = sorted((ns - shown.start, cpu, name) for ns, cpu, name, _ in truth[host] if begin <= ns - shown.start < end)
    assert sorted((e["time"], e["cpu"], e["name"]) for e in got if machines[e["machine"]] == host) == wanted and wanted
    assert {machines[e["machine"]] for e in got} == set(truth), "guests' events are there, too"
    # Every field of an event is told.
    [one] = [e for e in truth[host] if (e[0] - shown.start, e[1], e[2]) == wanted[0]][:1]
    text = next(e["fields"] for e in got if (e["time"], e["cpu"], e["name"]) == wanted[0])
    for name in one[3].get("fields", {}):
        assert f"{name}=" in text, (one, text)
    vcpu = shown.rows["vcpus"][0]
    ran = [(b, e) for b, e, state in shown.lanes["vcpus"][vcpu["id"]] if state in ("guest", "hypervisor", "userspace")]
    for e in raw_events(shown, start=begin, end=end, row=vcpu["id"], limit=5000):
        if machines[e["machine"]] == host:
            assert any(b <= e["time"] <= t for b, t in ran), e
    named = raw_events(shown, start=begin, end=end, text="SCHED_switch", limit=5000)
    assert named and {e["name"] for e in named} == {"sched_switch"}
    gone = schema.refused(SERVER.post(f"{SHOWN[0].api}/events", {"start": 0, "end": 1}), 404)
    assert "was at" in gone["detail"] and sys.argv[3] in gone["detail"], gone
    schema.refused(SERVER.post(f"{shown.api}/events", {}), 400)
    schema.refused(SERVER.post(f"{shown.api}/events", {"start": 0, "end": 9, "path": "/etc"}), 404)
    moved = SERVER.post(f"{shown.api}/events", {"start": begin, "end": end, "limit": 5000, "path": str(CROWD_RECORDING)})
    assert len(moved.json["events"]) == min(len(got), 5000)


def test_event_table_of_the_recording():
    shown = SHOWN[1]
    path = f"{shown.tsp}/table/vmscope.recording"
    columns = [c["name"] for c in schema.model(SERVER.tsp(path + "/columns"), "columns")]
    assert columns == ["Time", "Machine", "CPU", "Event", "Fields"]
    size = sum(len(events) for events in recorded().values())
    last = 0
    for first in (0, 5, size // 2, size - 3, size):
        lines = schema.model(SERVER.tsp(path + "/lines", requested_table_index=first, requested_table_count=4), "lines")
        assert lines["size"] == size and [line["index"] for line in lines["lines"]] == list(range(first, min(first + 4, size)))
        times = [int(line["cells"][0]["content"]) for line in lines["lines"]]
        assert times == sorted(times) and (not times or times[0] >= last)
        last = times[0] if times else last
        if times:
            by_time = schema.model(SERVER.tsp(path + "/lines", requested_times=times[:1], requested_table_count=1), "lines")
            assert by_time["lines"][0]["cells"][0]["content"] == str(times[0]) and by_time["lowIndex"] <= first
    for direction in ("NEXT", "PREVIOUS"):
        found = schema.model(SERVER.tsp(path + "/lines", requested_table_index=size // 2, requested_table_count=1,
                                        table_search_expressions={"3": "^sched_switch$"}, table_search_direction=direction), "lines")
        assert found["lines"][0]["tags"] == 8 and found["lines"][0]["cells"][3]["content"] == "sched_switch"
        assert (found["lowIndex"] >= size // 2) == (direction == "NEXT") or found["lowIndex"] == size // 2


def test_event_table():
    """By number, by time, columns that were asked for, and to the end."""
    for shown in SHOWN:
        path = f"{shown.tsp}/table/vmscope.events"
        assert len(schema.model(SERVER.tsp(path + "/columns"), "columns")) == 6
        times = [r["ts"] for r in shown.sql("SELECT ts FROM vm_exit UNION ALL SELECT ts FROM vcpu_state ORDER BY 1")]
        for first in (0, 1, len(times) // 3, len(times) - 2, len(times), 2**53 - 1):
            lines = schema.model(SERVER.tsp(path + "/lines", requested_table_index=first, requested_table_count=5), "lines")
            assert lines["size"] == len(times) and len(lines["lines"]) == len(times[first:first + 5])
            for i, line in enumerate(lines["lines"]):
                assert line["index"] == first + i and line["cells"][0]["content"] == str(times[first + i])
        t = times[len(times) // 2]
        lines = schema.model(SERVER.tsp(path + "/lines", requested_times=[t], requested_table_count=1,
                                        requested_table_column_ids=[3, 0]), "lines")
        assert lines["lowIndex"] == bisect.bisect_left(times, t) and lines["columnIds"] == [3, 0]
        assert lines["lines"][0]["cells"][1]["content"] == str(t)


def test_odd_numbers_of_pixels():
    for shown in SHOWN[1:]:
        for pixels in (0, 1, 65536, 65537, 2**40, -5, 10.0):
            range_ = {"start": shown.start, "end": shown.end, "nbTimes": pixels}
            for path in ("timeGraph/vmscope.vcpus/states", "XY/vmscope.steal/xy"):
                reply = SERVER.tsp(f"{shown.tsp}/{path}", requested_timerange=range_, requested_items=[row("vcpu", 0)])
                schema.model(reply, "states" if "states" in path else "xy")


def test_markers_of_gaps():
    """Where events were lost, the CPU's state is unknown: a marker says so."""
    [found] = schema.model(SERVER.tsp(f"{GAPPY.tsp}/vmscope.cpus/annotations"), "annotations")["annotations"].values()
    wanted = GAPPY.sql("""SELECT ts, dur FROM cpu_state JOIN (SELECT machine_id, cpu, min(ts) first,
        max(ts + dur) last FROM cpu_state GROUP BY 1, 2) USING (machine_id, cpu)
        WHERE state = 'unknown' AND ts > first AND ts + dur < last""")
    assert wanted
    longest = sorted((r["dur"] for r in wanted), reverse=True)[:2000]
    assert sorted((m["duration"] for m in found), reverse=True) == longest
    assert {(m["time"], m["duration"]) for m in found} <= {(r["ts"], r["dur"]) for r in wanted}


def test_head_and_options():
    for path in ("/tsp/api/health", "/api/experiments", "/"):
        reply = SERVER.request("HEAD", path)
        assert reply.status == 200 and not reply.data
        reply = SERVER.request("OPTIONS", path, headers={"Origin": "http://localhost:3000",
                                                         "Access-Control-Request-Method": "DELETE"})
        assert reply.status == 200 and not reply.data
        assert reply.headers["Access-Control-Allow-Origin"] == "http://localhost:3000"
        assert {"GET", "POST", "PUT", "DELETE"} <= set(reply.headers["Access-Control-Allow-Methods"].split(", "))
        assert "content-type" in reply.headers["Access-Control-Allow-Headers"]
    reply = SERVER.request("GET", "/tsp/api/none", headers={"Origin": "vscode-webview://abc"})
    schema.refused(reply, 404)
    assert reply.headers["Access-Control-Allow-Origin"] == "vscode-webview://abc" and reply.headers["Vary"] == "Origin"


def test_queries_do_not_matter():
    shown = SHOWN[0]
    query = urllib.parse.urlencode({"markerSetId": "x/../y", "a": "%00"})
    schema.model(SERVER.get(f"/tsp/api{shown.tsp}/vmscope.cpus/annotations?{query}"), "categories")


def test_server_ends():
    """Last: with nothing left undone."""
    SERVER.stop()


service.run(globals())
