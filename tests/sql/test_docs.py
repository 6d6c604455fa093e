#!/usr/bin/python3
"""test_docs.py VMSCOPE SAMPLES SQL.MD: docs/sql.md says what is so, and its cookbook works; as TAP.

Every question is asked of the sample recording's results and has an answer there.
"""
import csv
import io
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

import schema_text

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import tap  # noqa: E402 pylint: disable=wrong-import-position

VMSCOPE, SAMPLES, PAGE = (os.path.abspath(a) for a in sys.argv[1:4])
DIRECTORY = tempfile.TemporaryDirectory()
TEXT = pathlib.Path(PAGE).read_text()
RUN = f"{DIRECTORY.name}/run.vms"
subprocess.run([VMSCOPE, "analyze", "-o", RUN, f"{SAMPLES}/one-guest"], check=True,
               stdout=subprocess.DEVNULL)


def query(sql, form="json"):
    """In the directory of run.vms. Return: what was printed."""
    done = subprocess.run([VMSCOPE, "query", "--format", form, RUN, sql], text=True, timeout=60,
                          cwd=DIRECTORY.name, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert done.returncode == 0, done.stderr + sql
    return done.stdout


def rows(sql):
    return json.loads(query(sql))


def results(sql):
    """Of several statements."""
    text, decoder, at, found = query(sql), json.JSONDecoder(), 0, []
    while at < len(text):
        value, at = decoder.raw_decode(text, at)
        found.append(value)
        at += 1  # the newline
    return found


def test_tables_are_described_as_they_are():
    wanted, got = schema_text.tables(VMSCOPE, RUN), schema_text.split(TEXT)[1]
    for wanted_line, got_line in zip(wanted.splitlines(), got.splitlines()):
        assert wanted_line == got_line, (f"docs/sql.md has {got_line!r}, not {wanted_line!r}; "
                                         "tests/sql/schema_text.py brings it up to date")
    assert wanted == got, "the lengths differ"


def test_views_are_described_as_they_are():
    part = TEXT[TEXT.index("## Views"):TEXT.index("## Cookbook")]
    described = {name: re.findall(r"`(\w+)`", "".join(re.findall(r"^\| (`.*?) \|", body, re.M)))
                 for name, body in re.findall(r"### (\w+)\n(.*?)(?=\n### |\Z)", part, re.S)}
    views = [r["name"] for r in rows("SELECT name FROM sqlite_schema WHERE type = 'view'")]
    assert sorted(views) == sorted(described), (views, list(described))
    for view, columns in described.items():
        header = next(csv.reader(io.StringIO(query(f"SELECT * FROM {view} LIMIT 0", "csv"))))
        assert sorted(header) == sorted(columns), (view, set(header) ^ set(columns))


def test_every_question_has_an_answer():
    questions = re.findall(r"### (\d+)\. (.*?)\n.*?```sql\n(.*?)```", TEXT, re.S)
    assert [int(n) for n, _, _ in questions] == list(range(1, 21))
    for number, title, sql in questions:
        found = results(sql)
        assert found and found[-1], f"no rows: {number}. {title}"
        values = [v for row in found[-1] for v in row.values()]
        assert any(v is not None for v in values), f"nothing but NULL: {number}. {title}"


def test_parts_add_up():
    """Sums that the views promise, and that the totals are those of the intervals."""
    for sql in (
            # steal by thief, and in all
            "SELECT vcpu_id, sum(steal_ns) FROM steal_matrix GROUP BY 1 EXCEPT "
            "SELECT vcpu_id, steal_ns FROM vcpu_summary",
            "SELECT * FROM vcpu_split WHERE total_ns <> run_ns + ready_ns + exit_ns + poll_ns + idle_ns + blocked_ns + "
            "unknown_ns",
            "SELECT * FROM vcpu_split WHERE ready_ns <> neighbour_ns + sibling_ns + own_ns + process_ns + kernel_ns + "
            "interrupt_ns + quota_ns + latency_ns + unclear_ns",
            "SELECT * FROM exit_summary WHERE total_ns <> handled_ns + userspace_ns + preempted_ns "
            "+ blocked_ns",
            "SELECT * FROM vcpu_summary WHERE total_ns <> guest_ns + hypervisor_ns + userspace_ns + "
            "preempted_ns + waiting_ns + halted_ns + blocked_ns + unknown_ns + polling_ns + "
            "throttled_ns + absent_ns",
            "SELECT * FROM thread_summary WHERE total_ns <> user_ns + syscall_ns + irq_ns + "
            "softirq_ns + wait_cpu_ns + blocked_ns + stolen_ns + hypervisor_ns + dead_ns + unknown_ns",
            "SELECT * FROM cpu_summary WHERE total_ns <> idle_ns + user_ns + syscall_ns + irq_ns + "
            "softirq_ns + vm_ns + unknown_ns",
            "SELECT thread_id, state, sum(dur) FROM thread_state GROUP BY 1, 2 EXCEPT "
            "SELECT thread_id, state, dur FROM thread_state_total",
            "SELECT 1 FROM (SELECT sum(p50_ns + vcpu_wake_ns) AS x, sum(asleep) AS n FROM "
            "wakeup_summary) WHERE x IS NULL OR x <= 0"):
        assert rows(sql) == [], sql


tap.run(globals())
