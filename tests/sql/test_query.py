#!/usr/bin/python3
"""test_query.py VMSCOPE MAKE_SMALL: `vmscope query` as a user meets it; as TAP.

MAKE_SMALL writes a file of few rows: the host runs `web` and `db` with one vCPU each (threads 101 and
201). web's vCPU: from 1000 on guest 400 ns, hypervisor 100, preempted by db's vCPU 200, by kworker 50,
waiting for db's 30, guest 220; db's: unknown 100, guest 900. Exits of web: HLT of 10, 30, 20 ns and
one without an end, IO of 500 (400 in user space). web's thread 7: user 600, stolen 280, in read() 120.
CPU 3 of the host: idle 380, vm 620. Wake-ups of that thread: one by stages 5, 25, 40, 60; one after
10; one that never ran.
"""
import csv
import io
import json
import os
import pathlib
import pty
import re
import select
import signal
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import tap  # noqa: E402 pylint: disable=wrong-import-position

VMSCOPE, MAKE_SMALL = sys.argv[1:3]
DIRECTORY = tempfile.TemporaryDirectory()
SMALL = f"{DIRECTORY.name}/small.vms"
subprocess.run([MAKE_SMALL, SMALL], check=True)
ENV = {**os.environ, "LC_ALL": "C.UTF-8", "XDG_STATE_HOME": DIRECTORY.name, "TERM": "dumb"}


def query(*args, status=0, file=SMALL, **options):
    """Return: (what it wrote to stdout, to stderr)."""
    options.setdefault("stdin", subprocess.DEVNULL if "input" not in options else None)
    if options["stdin"] is None:
        del options["stdin"]
    done = subprocess.run([VMSCOPE, "query", *([file] if file else []), *args], text=True, env=ENV,
                          errors="surrogateescape", timeout=60, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, **options)
    assert done.returncode == status, f"{args}: status {done.returncode}, not {status}\n{done.stderr}"
    return done.stdout, done.stderr


def rows(sql, **options):
    """The one result of a statement, as a list of tuples."""
    out, err = query("--format", "json", sql, **options)
    assert err == "", err
    return [tuple(row.values()) for row in json.loads(out)]


def equal(got, wanted):
    assert got == wanted, f"\ngot    {str(got)[:2000]}\nwanted {str(wanted)[:2000]}"


# --- what is in the tables and views ---

def test_vcpu_summary():
    equal(rows("SELECT * FROM vcpu_summary"), [
        (0, "web", 0, "host", 101, 1000, 620, 100, 0, 250, 30, 0, 0, 0, 280, 0, 0, 0),
        (1, "db", 0, "host", 201, 1000, 900, 0, 0, 0, 0, 0, 0, 100, 0, 0, 0, 0)])


def test_steal_matrix():
    equal(rows("SELECT * FROM steal_matrix ORDER BY steal_ns DESC"), [
        (0, "web", 0, 1, "host", 201, "CPU 0/KVM", 1, "db", 0, 2, 230, 200, 30, 200, 0, None, None, None,
         None),
        (0, "web", 0, 2, "host", 50, "kworker/0:1", None, None, None, 1, 50, 50, 0, 50, 0, None, None, None,
         None)])


def test_exit_summary():
    equal(rows("SELECT * FROM exit_summary ORDER BY total_ns DESC"), [
        (0, "web", 0, 30, "IO", 1, 500, 100, 400, 0, 0, 500, 500, 500, 0, 0, 500),
        (0, "web", 0, 12, "HLT", 4, 60, 60, 0, 0, 0, 20, 30, 30, 0, 0, 60)])


def test_thread_summary():
    equal(rows("SELECT machine, tid, total_ns, user_ns, syscall_ns, stolen_ns, blocked_ns "
               "FROM thread_summary"), [("web", 7, 1000, 600, 120, 280, 0)])


def test_cpu_summary():
    equal(rows("SELECT * FROM cpu_summary"), [(0, "host", 3, 1000, 380, 0, 0, 0, 0, 620, 0)])


def test_wakeup_summary():
    equal(rows("SELECT machine, tid, wakeups, asleep, p50_ns, p99_ns, max_ns, vcpu_wake_ns, "
               "vcpu_run_ns, entry_ns, run_ns FROM wakeup_summary"),
          [("web", 7, 2, 1, 10, 60, 60, 5, 20, 15, 30)])


def test_states_and_strings_are_names():
    equal(rows("SELECT state, syscall, typeof(state) FROM thread_state"),
          [("user", None, "text"), ("stolen", None, "text"), ("syscall", "read", "text")])
    equal(rows("SELECT ts FROM vcpu_state WHERE state = 4 OR state = 'Guest'"), [])
    equal(rows("SELECT ts FROM vcpu_state WHERE state = 'WAITING' COLLATE NOCASE"), [(1750,)])
    equal(rows("SELECT count(*) FROM vcpu_state WHERE state NOT IN ('guest', 'unknown')"), [(4,)])


def test_end_of_a_row():
    equal(rows("SELECT ts, dur, ts_end FROM vm_exit WHERE reason = 12 AND ts > 1030"),
          [(1070, 20, 1090), (1900, None, None)])
    equal(rows("SELECT ts FROM vcpu_state WHERE vcpu_id = 0 AND ts < 1710 AND ts_end > 1690"),
          [(1500,), (1700,)])
    assert "ts_end" not in query("SELECT * FROM vcpu_state")[0]


# --- formats ---

def test_table():
    equal(query("SELECT comm, tid, container_id FROM thread; SELECT 1 AS x WHERE 0")[0],
          "comm         tid  container_id\n"
          "-----------  ---  ------------\n"
          "CPU 0/KVM    101              \n"
          "CPU 0/KVM    201              \n"
          "kworker/0:1   50              \n"
          "a \"b\",??       7              \n"
          "\n"
          "x\n"
          "-\n")


def test_table_of_many_rows():
    """Rows past those that columns are laid out by."""
    sql = ("WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < 12345) "
           "SELECT x, 'row ' || x AS name FROM c")
    lines = query(sql)[0].splitlines()
    equal(len(lines), 12347)
    equal([line.split() for line in lines[2:]], [[str(i), "row", str(i)] for i in range(1, 12346)])


def test_csv():
    out = query("--format", "csv", "SELECT id, comm, container_id, 0.1 AS \"a,b\" FROM thread WHERE id > 1")[0]
    equal(list(csv.reader(io.StringIO(out))), [["id", "comm", "container_id", "a,b"],
                                               ["2", "kworker/0:1", "", "0.1"],
                                               ["3", 'a "b",\\x1b\\xff', "", "0.1"]])


def test_json():
    out = query("--format", "json", "SELECT id, id, comm, 0.5 AS half, NULL AS nil FROM thread "
                "WHERE id = 3; SELECT 1 AS x WHERE 0; SELECT 9007199254740993 AS big")[0]
    decoder, results, at = json.JSONDecoder(), [], 0
    while at < len(out):
        value, at = decoder.raw_decode(out, at)
        results.append(value)
        at += len(out[at:]) - len(out[at:].lstrip())
    equal(results, [[{"id": 3, "id_2": 3, "comm": 'a "b",\x1b\ufffd', "half": 0.5, "nil": None}], [],
                    [{"big": 9007199254740993}]])


def test_statements_without_results_print_nothing():
    equal(query("CREATE TEMP TABLE t(x); INSERT INTO t VALUES (1), (2); SELECT sum(x) FROM t;")[0],
          "sum(x)\n------\n     3\n")


# --- what goes wrong ---

def test_errors_are_one_line():
    for sql, word in [("SELECT nope FROM vcpu", "nope"), ("SELEC 1", "SELEC"),
                      ("SELECT percentile(dur, 2) FROM vm_exit", "from 0 to 1"),
                      ("DELETE FROM vcpu_state", "vcpu_state"), ("SELECT 1; SELECT '", "")]:
        out, err = query(sql, status=1)
        assert err.count("\n") == 1 and err.startswith("vmscope query: ") and word in err, err
    assert "line 3" in query("SELECT 1,\n2,\nnope", status=1)[1]
    equal(query("SELECT 1; SELECT nope; SELECT 2", status=1)[0], "1\n-\n1\n")


def test_usage():
    for args, words in [([], "results file"), ([SMALL, "SELECT 1", "SELECT 2"], "quote"),
                        (["--format", "xml", SMALL, "SELECT 1"], "table, csv or json"),
                        (["--nope", SMALL], "--nope")]:
        out, err = query(*args, status=2, file=None)
        assert out == "" and err.count("\n") == 1 and words in err, err


def test_files_that_are_none():
    for content in (b"", b"SQLite format 3\0" * 10, pathlib.Path(SMALL).read_bytes()[:-20]):
        path = f"{DIRECTORY.name}/bad.vms"
        pathlib.Path(path).write_bytes(content)
        out, err = query("SELECT 1", status=1, file=path)
        assert out == "" and err.count("\n") == 1 and "bad.vms" in err, err
    assert "No such file" in query("SELECT 1", status=1, file="nope.vms")[1]


def test_damaged_block():
    """A checksum that is wrong is an error where the block is needed, and nowhere else."""
    data = bytearray(pathlib.Path(SMALL).read_bytes())
    path = f"{DIRECTORY.name}/damaged.vms"
    n_wrong = 0
    for at in range(88, len(data), 3):
        data[at] ^= 0x40
        pathlib.Path(path).write_bytes(data)
        data[at] ^= 0x40
        done = subprocess.run([VMSCOPE, "query", "--format", "csv", path,
                               "SELECT * FROM vcpu_state; SELECT * FROM thread"], env=ENV, text=True,
                              errors="surrogateescape", stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        if done.returncode:
            assert done.returncode == 1 and "damaged" in done.stderr, (at, done.stderr)
            n_wrong += 1
        else:
            equal(done.stdout.count("\n"), 9 + 1 + 5)
    assert n_wrong > 20, n_wrong


def test_names_of_files_with_quotes():
    path = f"{DIRECTORY.name}/it's \"odd\".vms"
    pathlib.Path(path).write_bytes(pathlib.Path(SMALL).read_bytes())
    equal(rows("SELECT count(*) FROM machine", file=path), [(3,)])


# --- a second file ---

def test_two_files():
    sql = f"SELECT vmscope_open('{SMALL}', 'other') AS done; "
    out = query("--format", "csv", sql + "SELECT a.guest_ns, b.machine FROM vcpu_summary a "
                "JOIN other.vcpu_summary b USING (vcpu_id)")[0]
    equal(out, "done\n\"\"\n\n" "guest_ns,machine\n620,web\n900,db\n".replace('""', ""))
    assert "already" in query(sql + sql, status=1)[1]
    assert "nope.vms" in query("SELECT vmscope_open('nope.vms')", status=1)[1]


# --- stdin and the prompt ---

def test_statements_from_stdin():
    equal(query(input="SELECT 1 AS x;\n.format csv\nSELECT 2 AS x,\n3 AS y;\n\nSELECT ';' AS z")[0],
          "x\n-\n1\nx,y\n2,3\nz\n;\n")
    out, err = query(input="SELECT 1 AS x;\nSELECT nope;\nSELECT 2;\n", status=1)
    assert out == "x\n-\n1\n" and "nope" in err


def test_dot_commands():
    tables = query(input=".tables\n")[0]
    for name in ("meta", "vm_exit", "vcpu_state_total", "steal_matrix"):
        assert re.search(rf"^{name} +\w", tables, re.M), name
    schema = query(input=".schema vcpu_state\n")[0]
    assert "occupant_thread_id" in schema and "preempted" in schema and "machine" not in schema
    assert len(query(input=".schema\n")[0]) > 5000
    assert "nope" in query(input=".schema nope\n", status=1)[1]
    assert ".nope" in query(input=".nope\n", status=1)[1]
    equal(query(input=".quit\nSELECT 1;\n")[0], "")


class Prompt:
    """`vmscope query` on a terminal."""

    def __init__(self):
        self.text = ""
        self.pid, self.fd = pty.fork()
        if not self.pid:
            os.execve(VMSCOPE, [VMSCOPE, "query", SMALL], ENV)

    def expect(self, pattern, seconds=30):
        end = time.monotonic() + seconds
        while not re.search(pattern, self.text):
            left = end - time.monotonic()
            assert left > 0, f"no {pattern!r} in {self.text!r}"
            if select.select([self.fd], [], [], left)[0]:
                self.text += os.read(self.fd, 65536).decode(errors="replace")
        self.text = self.text[re.search(pattern, self.text).end():]

    def send(self, text):
        os.write(self.fd, text.encode())

    def finish(self):
        """End of file. What comes before the prompt has taken over the terminal is another character:
        then the line is cleared and it is sent again."""
        self.expect("vmscope> ")
        for i in range(1500):
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                return os.waitstatus_to_exitcode(status)
            try:
                if i % 25 == 10:
                    self.send("\x04" if i % 50 == 10 else "\x15")
                if select.select([self.fd], [], [], 0)[0]:
                    self.text += os.read(self.fd, 65536).decode(errors="replace")
            except OSError:  # it has closed the terminal
                pass
            time.sleep(0.02)
        os.kill(self.pid, signal.SIGKILL)
        raise AssertionError(f"it does not end: {self.text!r}")


def test_prompt():
    p = Prompt()
    p.expect("vmscope> ")
    p.send("SELECT guest_ns AS g\n")
    p.expect(r"\.\.\.> ")
    p.send("FROM vcpu_summary;\n")
    p.expect(r"g\r\n---\r\n620\r\n900\r\n")
    p.send("SELECT nope;\n")
    p.expect("no such column: nope")
    p.send("SELECT 6 * 7;\n")
    p.expect(r"\b42\b")
    equal(p.finish(), 0)
    history = pathlib.Path(DIRECTORY.name, "vmscope_history").read_text()
    assert "nope" in history
    p = Prompt()
    p.expect("vmscope> ")
    p.send("\x10\n")  # the line before
    p.expect(r"\b42\b")
    equal(p.finish(), 0)


def test_prompt_can_be_interrupted():
    p = Prompt()
    p.expect("vmscope> ")
    p.send("WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT max(x) FROM c;\n")
    p.expect(r"FROM c;\r\n")
    time.sleep(0.3)
    p.send("\x03")
    p.expect("interrupted")
    p.send("SELECT 6 * 7;\n")
    p.expect(r"\b42\b")
    equal(p.finish(), 0)


def test_a_closed_pipe_is_no_failure():
    sql = ("WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT x FROM c")
    for form in ("table", "csv", "json"):
        p = subprocess.Popen([VMSCOPE, "query", "--format", form, SMALL, sql], env=ENV,
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        p.stdout.read(100)
        p.stdout.close()
        equal((p.wait(timeout=30), p.stderr.read()), (0, b""))
        p.stderr.close()


tap.run(globals())
