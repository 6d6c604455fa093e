#!/usr/bin/python3
"""test_extension.py EXTENSION MAKE_SMALL: results files in the plain sqlite3 shell; as TAP."""
import pathlib
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import tap  # noqa: E402 pylint: disable=wrong-import-position

EXTENSION, MAKE_SMALL = sys.argv[1:3]
DIRECTORY = tempfile.TemporaryDirectory()
SMALL = f"{DIRECTORY.name}/small.vms"
LOAD = f".load {EXTENSION.removesuffix('.so')}"
OPEN = f"SELECT vmscope_open('{SMALL}');"

if not shutil.which("sqlite3"):
    print("1..0 # SKIP there is no sqlite3")
    sys.exit(0)
subprocess.run([MAKE_SMALL, SMALL], check=True)


def sqlite(*lines, database=":memory:"):
    """Return: (stdout, stderr) of the shell that was given these lines."""
    done = subprocess.run(["sqlite3", "-batch", database], input="\n".join(lines), text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60)
    return done.stdout.strip(), done.stderr.strip()


def test_tables_and_views():
    out, err = sqlite(LOAD, OPEN, "SELECT machine, guest_ns FROM vcpu_summary;",
                      "SELECT p99_ns FROM exit_summary WHERE name = 'HLT';",
                      "SELECT sum(dur) FROM vcpu_state WHERE state = 'guest';")
    assert (out, err) == ("web|620\ndb|900\n30\n1520", ""), (out, err)


def test_tables_are_listed():
    out = sqlite(LOAD, OPEN, ".tables")[0]
    assert "vm_exit" in out and "steal_matrix" in out and "thread_state_total" in out, out


def test_one_table():
    out, err = sqlite(LOAD, f"CREATE VIRTUAL TABLE temp.e USING vmscope('{SMALL}', 'vm_exit');",
                      "SELECT count(*) FROM e; DROP TABLE e;", "SELECT count(*) FROM e;")
    assert out == "5" and "no such table" in err, (out, err)


def test_wrong_tables():
    for arguments, word in [(f"'{SMALL}', 'nope'", "nope"), ("'nope.vms', 'vcpu'", "nope.vms"),
                            (f"'{SMALL}'", "USING"), ("", "USING")]:
        out, err = sqlite(LOAD, f"CREATE VIRTUAL TABLE temp.e USING vmscope({arguments});")
        assert word in err, err
    out, err = sqlite(LOAD, f"CREATE VIRTUAL TABLE temp.e USING vmscope_total('{SMALL}', 'vm_exit');")
    assert "no states" in err, err


def test_two_files_and_a_second_load():
    out, err = sqlite(LOAD, OPEN, f"SELECT vmscope_open('{SMALL}', 'b');", LOAD,
                      "SELECT count(*) FROM vm_exit a JOIN b.vm_exit b USING (ts);")
    assert (out, err) == ("5", ""), (out, err)


def test_rows_are_kept_in_a_database():
    database = f"{DIRECTORY.name}/kept.db"
    out, err = sqlite(LOAD, OPEN, "CREATE TABLE main.kept AS SELECT * FROM vm_exit;",
                      database=database)
    assert (out, err) == ("", ""), (out, err)
    assert sqlite("SELECT count(*), max(name) FROM kept;", ".tables", database=database)[0] \
        == "5|IO\nkept"


tap.run(globals())
