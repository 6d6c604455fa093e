#!/usr/bin/python3
"""test_tables.py VMSCOPE SIM MAKE_FILES SAMPLES: CSV and SQLite hold what `vmscope query` gives, and what
goes wrong is said in one line; as TAP."""
import csv
import os
import pathlib
import re
import resource
import signal
import sqlite3
import subprocess

import recordings
from recordings import BUSY, CROWD, EMPTY, FAR, HERE, HOSTILE, SAMPLE, TWICE, VMSCOPE, export, query, vmscope

PLAIN_TABLES = "SELECT name FROM sqlite_schema WHERE sql LIKE '%USING vmscope(%'"
PAGE = pathlib.Path(__file__).resolve().parents[2] / "docs" / "sql.md"


def span():
    return tuple(query(SAMPLE, "SELECT min(first_ns) AS a, max(last_ns) AS b FROM cpu_state_total")[0].values())


# ---- CSV


def test_any_table_or_view_is_as_query_prints_it():
    for file in (SAMPLE, HOSTILE):
        for name in recordings.tables_of(file):
            wanted = vmscope("query", "--format", "csv", file, f'SELECT * FROM "{name}"')[0]
            assert vmscope("export", "--to", "csv", "--table", name, file)[0] == wanted, name


def test_all_tables_into_a_directory():
    directory = export(CROWD, "csv")
    names = [row["name"] for row in query(CROWD, PLAIN_TABLES)]
    assert sorted(os.listdir(directory)) == sorted(f"{name}.csv" for name in names)
    for name in names:
        with open(f"{directory}/{name}.csv", newline="", encoding="utf-8", errors="surrogateescape") as f:
            rows = sum(1 for _ in csv.reader(f)) - 1
        assert rows == query(CROWD, f"SELECT count(*) AS n FROM {name}")[0]["n"], name


def test_some_tables_into_a_directory_that_is_there():
    directory = f"{HERE}/some"
    os.mkdir(directory)
    for _ in range(2):
        vmscope("export", "--to", "csv", "--table", "machine", "--table", "exit_summary", "-o", directory, SAMPLE)
        assert sorted(os.listdir(directory)) == ["exit_summary.csv", "machine.csv"]
    vmscope("export", "--to", "csv", "--table", "vcpu", "-o", directory, SAMPLE)
    assert "vcpu.csv" in os.listdir(directory)


def test_names_of_any_kind_come_back():
    text = vmscope("export", "--to", "csv", "--table", "thread_state", HOSTILE)[0].decode()
    rows = list(csv.DictReader(text.splitlines(keepends=True)))
    assert rows[-2]["syscall"] == 'sys"call&amp;\n' and rows[-2]["cpu"] == ""


# ---- SQLite


def both(file, database, sql):
    """A query's rows by vmscope, and by SQLite alone."""
    found = sqlite3.connect(database)
    found.row_factory = sqlite3.Row
    rows = [dict(row) for row in found.execute(sql)]
    found.close()
    return query(file, sql), rows


def check_equal(file, database, sql):
    wanted, got = both(file, database, sql)
    assert wanted == got, (sql, wanted[:2], got[:2])


def test_a_database_has_all_rows_of_all_tables_and_views():
    for file in (SAMPLE, CROWD):
        database = export(file, "sqlite")
        for name in recordings.tables_of(file):
            columns = list(query(file, f'SELECT * FROM "{name}" LIMIT 1')[:1] or [{}])[0]
            order = ", ".join(f'"{column}"' for column in columns) or "1"
            check_equal(file, database, f'SELECT {order if columns else "count(*)"} FROM "{name}" '
                                        f'ORDER BY {order}')


def test_a_database_is_sound_and_has_indexes():
    database = sqlite3.connect(export(SAMPLE, "sqlite"))
    assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    plan = str(database.execute("EXPLAIN QUERY PLAN SELECT * FROM vcpu_state WHERE vcpu_id = 0 AND ts > 5").fetchall())
    assert "USING INDEX vcpu_state_lane" in plan, plan
    plan = str(database.execute("EXPLAIN QUERY PLAN SELECT * FROM thread WHERE id = 5").fetchall())
    assert "USING INTEGER PRIMARY KEY" in plan, plan
    database.close()


def test_the_cookbook_works_on_a_database():
    """All questions of docs/sql.md that need no function of ours."""
    database, n = export(SAMPLE, "sqlite"), 0
    cookbook = PAGE.read_text(encoding="utf-8").split("## Cookbook")[1]
    for sql in re.findall(r"```sql\n(.*?)```", cookbook, re.S):
        if "percentile(" in sql or "quantile(" in sql or "vmscope_" in sql or "ATTACH" in sql:
            continue
        for statement in filter(str.strip, sql.split(";")):
            check_equal(SAMPLE, database, statement)
            n += 1
    assert n >= 12, n


def test_text_is_kept_byte_by_byte():
    database = sqlite3.connect(export(HOSTILE, "sqlite"))
    database.text_factory = bytes
    assert database.execute("SELECT comm FROM thread WHERE id = 2").fetchone()[0] == b"\xed\xa0\x80' onclick='x"
    database.close()


# ---- a range


def test_states_of_a_range_add_up_to_it():
    begin = span()[0] + 2500000001
    for form, sql in (("sqlite", None), ("csv", "vcpu_summary")):
        args = ["--begin", str(begin), "--end", str(begin + 700000003)]
        if form == "sqlite":
            database = sqlite3.connect(export(SAMPLE, form, *args))
            totals = [row[0] for row in database.execute("SELECT total_ns FROM vcpu_summary")]
            bounds = database.execute("SELECT min(first_ns), max(last_ns) FROM cpu_state_total").fetchone()
            database.close()
            assert bounds == (begin, begin + 700000003)
        else:
            text = vmscope("export", "--to", form, "--table", sql, *args, SAMPLE)[0].decode()
            totals = [int(row["total_ns"]) for row in csv.DictReader(text.splitlines())]
        assert totals == [700000003], totals


def test_a_range_has_what_begins_in_it():
    begin = span()[0] + 2500000001
    end = begin + 2000000000
    database = export(SAMPLE, "sqlite", "--begin", str(begin), "--end", str(end))
    for table in ("vm_exit", "wakeup"):
        wanted = query(SAMPLE, f"SELECT count(*) AS n, sum(ts % 1000003) AS s FROM {table} WHERE ts >= {begin} AND ts < {end}")
        found = sqlite3.connect(database)
        assert tuple(wanted[0].values()) == found.execute(f"SELECT count(*), sum(ts % 1000003) FROM {table}").fetchone()
        found.close()
    # cut states: each part of the range is in exactly the state that SQL says
    check_equal(SAMPLE, database, f"""SELECT state, sum(min(ts_end, {end}) - max(ts, {begin})) AS ns FROM vcpu_state
        WHERE ts < {end} AND ts_end > {begin} GROUP BY state""")


def test_times_can_be_written_in_many_ways():
    first = span()[0]
    wanted = vmscope("export", "--to", "csv", "--table", "vm_exit", "--begin", first + 1500000000, SAMPLE)[0]
    second = (first + 1500000000) / 1e9
    ways = ["+1.5", f"{int(second)}.{(first + 1500000000) % 10**9:09d}"]
    for way in ways:
        text = vmscope("export", "--to", "csv", "--table", "vm_exit", "--begin", way, SAMPLE)[0]
        assert text == wanted != vmscope("export", "--to", "csv", "--table", "vm_exit", SAMPLE)[0], way


# ---- some VMs and vCPUs


def rows_of(table, *args):
    text = vmscope("export", "--to", "csv", "--table", table, *args, CROWD)[0].decode()
    return [{k: v or None for k, v in row.items()} for row in csv.DictReader(text.splitlines())]


def as_text(rows):
    return [{k: None if v is None else str(v) for k, v in row.items()} for row in rows]


def test_what_one_vm_or_vcpu_did():
    g2 = "(SELECT id FROM machine WHERE name = 'g2')"
    vcpus = {"": f"(SELECT id FROM vcpu WHERE machine_id = {g2})",
             "1": f"(SELECT id FROM vcpu WHERE machine_id = {g2} AND vcpu_index = 1)"}
    for number, ids in vcpus.items():
        args = ["--vm", "g2", *(["--vcpu", number] if number else [])]
        for table in "vcpu_state", "vm_exit":
            assert rows_of(table, *args) == as_text(query(CROWD, f"SELECT * FROM {table} WHERE vcpu_id IN {ids}")), table
        for view in "vcpu_summary", "steal_matrix":
            wanted = query(CROWD, f"SELECT * FROM {view} WHERE vcpu_id IN {ids}")
            got = rows_of(view, *args)
            assert len(got) == len(wanted) > 0
            assert sorted(map(str, got)) == sorted(map(str, as_text(wanted))), view
    threads = f"(SELECT id FROM thread WHERE machine_id = {g2})"
    assert rows_of("thread_state", "--vm", "g2") == as_text(
        query(CROWD, f"SELECT * FROM thread_state WHERE thread_id IN {threads}"))
    assert rows_of("wakeup", "--vm", "g2") == as_text(query(CROWD, f"SELECT * FROM wakeup WHERE machine_id = {g2}"))
    wanted = query(CROWD, "SELECT * FROM cpu_state WHERE machine_id IN (SELECT id FROM machine WHERE name IN ('g2', 'host'))")
    assert rows_of("cpu_state", "--vm", "g2") == as_text(wanted)
    # Others are called by their names all the same.
    assert len(rows_of("thread", "--vm", "g2")) == query(CROWD, "SELECT count(*) AS n FROM thread")[0]["n"]
    assert {row["machine"] for row in rows_of("vcpu_summary", "--vm", "g[13]")} == {"g1", "g3"}
    assert {row["vcpu_index"] for row in rows_of("vcpu_summary", "--vcpu", "0")} == {"0"}


def test_a_part_of_one_vm_adds_up():
    (first, last), = (row.values() for row in query(CROWD, "SELECT min(first_ns), max(last_ns) FROM vcpu_state_total"))
    begin, end = first + (last - first) // 3, first + (last - first) // 2
    rows = rows_of("vcpu_summary", "--vm", "g1", "--begin", begin, "--end", end)
    assert [(row["machine"], int(row["total_ns"])) for row in rows] == [("g1", end - begin)] * 2


def test_rows_are_sorted_and_cut():
    wanted = query(CROWD, "SELECT guest_ns FROM vcpu_summary ORDER BY guest_ns DESC LIMIT 3")
    got = rows_of("vcpu_summary", "--sort", "guest_ns", "--top", "3")
    assert [row["guest_ns"] for row in got] == [str(row["guest_ns"]) for row in wanted]
    assert len(rows_of("thread_state", "--top", "5")) == 5


# ---- what goes wrong


def test_arrows_that_are_left_out_are_said():
    said = vmscope("export", "--to", "perfetto", BUSY)[1]
    assert "after the first million" in said and said.count("\n") == 1, said
    assert not vmscope("export", "--to", "perfetto", "--end", "+0.01", BUSY)[1]


def fails(status, pattern, *args, **how):
    """It ends with this status and one line, and leaves no temporary file."""
    said = vmscope("export", *args, status=status, **how)[1]
    assert re.fullmatch(rf"vmscope export: .*({pattern}).*\n", said), said
    assert not [name for name in os.listdir(HERE) if name.endswith("-tmp")]


def test_the_command_line_is_checked():
    fails(2, "say --to", SAMPLE)
    fails(2, "--to takes perfetto, csv, sqlite, html, clickhouse or clickhouse-native, not 'xml'", "--to", "xml", SAMPLE)
    fails(2, "name a results file", "--to", "csv")
    fails(2, "only one results file", "--to", "html", SAMPLE, SAMPLE)
    fails(2, "several tables need a directory", "--to", "csv", SAMPLE)
    fails(2, "a database needs a name", "--to", "sqlite", SAMPLE)
    fails(2, "--table is for --to csv", "--to", "sqlite", "-o", "x", "--table", "vcpu", SAMPLE)
    fails(2, "would replace", "--to", "html", "-o", f"{HERE}/./sample.vms", SAMPLE)
    fails(2, "--idle is for --to perfetto", "--to", "html", "--idle", SAMPLE)
    fails(2, "--sort and --top are for --to csv", "--to", "html", "--top", "3", SAMPLE)
    fails(2, "--vm and --vcpu are not for --to sqlite", "--to", "sqlite", "-o", f"{HERE}/x", "--vm", "g1", SAMPLE)
    fails(1, "there is no VM 'nobody'", "--to", "csv", "--table", "vm_exit", "--vm", "nobody", SAMPLE)
    fails(1, "there is no vCPU 7", "--to", "html", "--vcpu", "7", SAMPLE)
    fails(1, "no such column", "--to", "csv", "--table", "vm_exit", "--sort", "nonsense", SAMPLE)
    fails(2, "'noon' is no time", "--to", "html", "--begin", "noon", SAMPLE)
    fails(2, "--end \\+1 is not after --begin \\+2", "--to", "html", "--begin", "+2", "--end", "+1", SAMPLE)


def test_an_unknown_table_is_said():
    fails(1, "no such table: nope", "--to", "csv", "--table", "nope", SAMPLE)
    fails(1, "no such table: nope", "--to", "csv", "--table", "vcpu", "--table", "nope", "-o", f"{HERE}/none", SAMPLE)
    assert not os.path.exists(f"{HERE}/none"), "nothing was begun"


def test_a_file_that_is_none():
    for form in ("perfetto", "html", "sqlite"):
        fails(1, "cannot (open|map|read)|No such file", "--to", form, "-o", f"{HERE}/x", f"{HERE}/missing.vms")
        fails(1, "is not a vmscope results file", "--to", form, "-o", f"{HERE}/x", __file__)
    assert not os.path.exists(f"{HERE}/x")


def test_places_that_cannot_be_written():
    for form in ("perfetto", "html", "sqlite"):
        fails(1, "not a regular file", "--to", form, "-o", "/dev/full", SAMPLE)
        fails(1, "No such file", "--to", form, "-o", f"{HERE}/nowhere/x", SAMPLE)
    fails(1, "cannot make the directory", "--to", "csv", "-o", f"{HERE}/nowhere/x", SAMPLE)


def test_a_full_disk_leaves_what_was_there():
    def small():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (20000, 20000))

    for form, more in (("perfetto", []), ("html", []), ("sqlite", []), ("csv", ["--table", "vcpu_state"])):
        path = f"{HERE}/kept"
        pathlib.Path(path).write_text("older")
        fails(1, "File too large|disk", "--to", form, *more, "-o", path, SAMPLE, preexec_fn=small)
        assert pathlib.Path(path).read_text() == "older", form


def test_an_older_file_is_replaced():
    path = f"{HERE}/replaced"
    for form in ("html", "sqlite", "perfetto"):
        pathlib.Path(path).write_text("older" * 10)
        vmscope("export", "--to", form, "-o", path, SAMPLE)
        head = pathlib.Path(path).read_bytes()[:15]
        assert head.startswith({"html": b"<!doctype", "sqlite": b"SQLite format", "perfetto": b"\n"}[form])


def test_a_closed_or_full_standard_output():
    for form, more in (("csv", ["--table", "thread_state"]), ("html", []), ("perfetto", [])):
        command = [VMSCOPE, "export", "--to", form, *more, SAMPLE]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as p:
            p.stdout.read(10)
            p.stdout.close()
            assert p.wait(60) == 0 and not p.stderr.read(), form
        with open("/dev/full", "wb") as full:
            done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, timeout=60, check=False)
        assert done.returncode == 1 and done.stderr.startswith(b"vmscope: cannot write to standard output"), form


def test_files_that_no_recording_gives():
    for form in ("csv", "sqlite", "html", "perfetto"):
        export(EMPTY, form)
    fails(1, "UNIQUE constraint failed: thread.id", "--to", "sqlite", "-o", f"{HERE}/x", TWICE)
    fails(1, "no recording can have", "--to", "html", "-o", f"{HERE}/x", FAR)
    export(TWICE, "html")
    export(TWICE, "perfetto")


def test_damaged_files_are_refused_in_one_line():
    """One byte of each page is changed; what can be read is exported, or the damage is said."""
    data = pathlib.Path(SAMPLE).read_bytes()
    path, refused = f"{HERE}/damaged.vms", 0
    for at in range(100, len(data), len(data) // 24):
        pathlib.Path(path).write_bytes(data[:at] + bytes([data[at] ^ 0x5a]) + data[at + 1:])
        for form in ("perfetto", "html", "sqlite"):
            done = subprocess.run([VMSCOPE, "export", "--to", form, "-o", f"{HERE}/out", path], timeout=60,
                                  stderr=subprocess.PIPE, text=True, check=False)
            refused += done.returncode
            assert (done.returncode, done.stderr.count("\n")) in ((0, 0), (1, 1)), done
            assert "damaged" in done.stderr or not done.stderr, done.stderr
    assert refused > 20, refused


recordings.tap.run(dict(globals()))
