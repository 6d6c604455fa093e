#!/usr/bin/python3
"""test_query.py VMSCOPE SIM MAKE_FILES SAMPLES: sums per minute are those of the intervals, to the ns; every ready-made
question, and every one of the dashboard, is answered; as TAP."""
import json
import pathlib
import sys

import clickhouse
import fleet
from clickhouse import Server
from fleet import CROWD, HERE, SAMPLE, load, query, vmscope
from tap import Skip

ROOT = pathlib.Path(__file__).resolve().parents[2]
QUERIES = sorted((ROOT / "src/fleet/query").glob("*.sql"))
FILES = [CROWD, SAMPLE]


class Shared:
    server = None

    @classmethod
    def get(cls):
        if clickhouse.missing():
            raise Skip(clickhouse.missing())
        if not cls.server:
            cls.server = Server(f"{HERE}/server")
            vmscope("fleet", "init", cls.server.url)
            for file in FILES:
                load(cls.server, file, options=["--host", pathlib.Path(file).stem])
        return cls.server


def ask(name, *options):
    """Return: rows as dicts."""
    head, *rows = (line.split("\t") for line in vmscope("fleet", name, *options, Shared.get().url)[0].decode().splitlines())
    return [dict(zip(head, row)) for row in rows]


def test_split_of_minutes_is_that_of_the_file():
    server = Shared.get()
    parts = ("total", "run", "ready", "exit", "poll", "idle", "blocked", "unknown", "neighbour", "sibling", "own", "process",
             "kernel", "interrupt", "quota", "latency", "unclear")
    for file in FILES:
        recording = fleet.recording_of(server, file)
        sums = ", ".join(f"sum({p}_ns)" for p in parts)
        theirs = server.rows(f"SELECT vcpu_id, {sums} FROM vcpu_minute WHERE recording = '{recording}' GROUP BY vcpu_id "
                             "ORDER BY vcpu_id")
        ours = query(file, "SELECT vcpu_id, " + ", ".join(f"{p}_ns" for p in parts) + " FROM vcpu_split ORDER BY vcpu_id")
        assert [[int(c) for c in row] for row in theirs] == [list(row.values()) for row in ours]
        lost = server.rows(f"SELECT sum(ready_ns), sum(preempted_ns + waiting_ns + throttled_ns) FROM thief_minute WHERE "
                           f"recording = '{recording}'")[0]
        assert lost == [str(sum(row["ready_ns"] for row in ours))] * 2


def test_exits_and_wakeups_of_minutes_are_those_of_the_file():
    server = Shared.get()
    for file in FILES:
        recording = fleet.recording_of(server, file)
        theirs = server.rows(f"SELECT vcpu_id, name, sum(exits), sum(ended), sum(total_ns), max(max_ns), sum(handled_ns), "
                             f"sum(arraySum(hist_n)) FROM exit_minute WHERE recording = '{recording}' GROUP BY vcpu_id, name "
                             "ORDER BY vcpu_id, name")
        ours = query(file, "SELECT vcpu_id, name, count(*), count(dur) AS n, sum(dur), max(dur), sum(handled_ns), "
                           "count(dur) AS h FROM vm_exit GROUP BY vcpu_id, name ORDER BY vcpu_id, name")
        assert theirs == [[str(c) for c in row.values()] for row in ours]
        theirs = server.rows(f"SELECT vcpu_id, sum(wakeups), sum(total_ns), max(max_ns) FROM wakeup_minute WHERE "
                             f"recording = '{recording}' GROUP BY vcpu_id ORDER BY vcpu_id")
        ours = query(file, "SELECT vcpu_id, count(*), sum(run_ns), max(run_ns) FROM wakeup WHERE run_ns IS NOT NULL AND "
                           "vcpu_id IS NOT NULL GROUP BY vcpu_id ORDER BY vcpu_id")
        assert theirs == [[str(c) for c in row.values()] for row in ours]


def test_every_minute_is_one():
    server = Shared.get()
    assert server.rows("SELECT count() FROM vcpu_minute WHERE minute_ns % 60000000000 != 0 OR total_ns > 60000000000") == [["0"]]


def test_findings_are_those_of_why():
    server = Shared.get()
    for file in FILES:
        why = [row["cause"] for row in json.loads(vmscope("why", "--format", "json", file)[0])["findings"]]
        theirs = server.rows(f"SELECT cause FROM finding WHERE recording = '{fleet.recording_of(server, file)}' ORDER BY nth")
        assert [c for c, in theirs] == why


def test_every_question_is_answered():
    names = [path.stem for path in QUERIES]
    assert len(names) == 10
    for path in QUERIES:
        rows = ask(path.stem)
        assert rows or path.stem == "pairs", path.stem
        by_hand = Shared.get().ask(path.read_text() + " FORMAT TabSeparatedWithNames").decode()
        assert by_hand == vmscope("fleet", path.stem, Shared.get().url)[0].decode(), path.stem
        assert path.stem in vmscope("fleet", "--help")[0].decode()


def test_answers_are_right():
    for row in ask("hosts"):
        file = {"crowd": CROWD, "sample": SAMPLE}[row["host"]]
        lost = query(file, "SELECT sum(ready_ns) AS a, sum(run_ns + ready_ns + exit_ns) AS b FROM vcpu_split")[0]
        assert [int(row["lost_ns"]), int(row["wanted_ns"])] == list(lost.values())
    runs = [int(v) for v in (r["run_ns"] for r in query(SAMPLE, "SELECT run_ns FROM wakeup WHERE run_ns IS NOT NULL "
                                                               "AND vcpu_id IS NOT NULL ORDER BY run_ns"))]
    row = [r for r in ask("wakeups") if r["host"] == "sample"][0]
    exact = runs[len(runs) // 2]
    assert int(row["wakeups"]) == len(runs) and exact * 0.98 <= int(row["p50_ns"]) <= exact * 1.09, (row, exact)


def test_a_part():
    day = Shared.get().rows("SELECT toString(any(day)) FROM recording WHERE host = 'sample'")[0][0]
    assert ask("hosts", "--until", "2001-01-01") == []
    assert "sample" in [r["host"] for r in ask("hosts", "--since", day)]
    assert {r["host"] for r in ask("history", "--vm", "g1")} == {"crowd", "sample"}
    assert ask("history", "--vm", "it's\\") == []


def test_dashboard():
    server = Shared.get()
    dashboard = json.loads((ROOT / "docs/fleet-dashboard.json").read_text())
    texts = [t["rawSql"] for panel in dashboard["panels"] for t in panel["targets"]]
    assert len(texts) >= 6
    for text in texts:
        sql = text.replace("$__dateFilter(day)", "day >= toDate('2000-01-01') AND day <= toDate('2100-01-01')")
        assert "$" not in sql and server.rows(sql), text


def test_usage():
    assert "no question" in vmscope("fleet", "nothing", "http://127.0.0.1:1/", status=2)[1]
    assert "name the server" in vmscope("fleet", "hosts", status=2)[1]
    assert "--vm" in vmscope("fleet", "init", "--vm", "a", "http://127.0.0.1:1/", status=2)[1]


if __name__ == "__main__":
    try:
        fleet.main(globals())
    finally:
        if Shared.server:
            Shared.server.stop()
