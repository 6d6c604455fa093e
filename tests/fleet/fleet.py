"""fleet: results files, and what a server has of them held against what `vmscope query` says."""
import csv
import hashlib
import io
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import tap  # noqa: E402 pylint: disable=wrong-import-position

VMSCOPE, SIM, MAKE_FILES, SAMPLES = (os.path.abspath(a) for a in sys.argv[1:] if not a.startswith("--"))
DIRECTORY = tempfile.TemporaryDirectory()
HERE = DIRECTORY.name
ENV = {**{k: v for k, v in os.environ.items() if not k.lower().endswith("_proxy")}, "LC_ALL": "C", "TZ": "UTC"}
SAMPLE, CROWD, HOSTILE, EMPTY, FAR, TWICE, UNKNOWN = (
    f"{HERE}/{name}.vms" for name in ("sample", "crowd", "hostile", "empty", "far", "twice", "unknown"))
COMMON = 3  # columns that only the tables of a fleet have: day, recording, nth
HERE_ONLY = ("finding", "vcpu_minute", "exit_minute", "thief_minute", "wakeup_minute", "load", "recording")


def simulate(name, *options):
    """Return: the results file of a simulated recording."""
    quiet = {"check": True, "stdout": subprocess.DEVNULL, "timeout": 120, "env": ENV}
    subprocess.run([SIM, *options, f"{HERE}/{name}"], **quiet)
    parts = sorted(str(p) for p in pathlib.Path(HERE, name).iterdir() if p.is_dir() and p.name != "truth")
    subprocess.run([VMSCOPE, "analyze", "-o", f"{HERE}/{name}.vms", *parts], **quiet)
    return f"{HERE}/{name}.vms"


def make():
    quiet = {"check": True, "stdout": subprocess.DEVNULL, "timeout": 120}
    subprocess.run([VMSCOPE, "analyze", "-o", SAMPLE, f"{SAMPLES}/one-guest"], **quiet)
    simulate("crowd", "--contention", "--vms", "3", "--vcpus", "2", "--pcpus", "4", "--duration", "0.15",
             "--seed", "11")
    subprocess.run([MAKE_FILES, HERE], **quiet)


def vmscope(*args, status=0, env=None):
    """Return: what it printed, and what it said."""
    done = subprocess.run([VMSCOPE, *map(str, args)], env={**ENV, **(env or {})}, timeout=300, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, check=False)
    said = done.stderr.decode()
    assert done.returncode == status, f"{args}: {done.returncode}, not {status}: {said}"
    return done.stdout, said


def query(file, sql):
    return json.loads(vmscope("query", "--format", "json", file, sql)[0])


def load(server, *files, options=(), **how):
    """Return: what it said."""
    url = server if isinstance(server, str) else server.url
    return vmscope("export", "--to", "clickhouse", "--url", url, *options, *files, **how)[1]


def table_names(file):
    """Tables of the file itself."""
    return [r["name"] for r in query(file, "SELECT name FROM sqlite_schema WHERE sql LIKE '%USING vmscope(%'")]


UNSAFE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")


def shown(cell):
    """A cell of text as `vmscope query` shows it: what could harm whoever reads it is escaped."""
    safe = UNSAFE.sub(lambda m: f"\\x{ord(m[0]):02x}" if ord(m[0]) < 0x80 else f"\\u{ord(m[0]):04x}", cell)
    return "'" + safe if re.match(r"[=+@]|-(?!\d)", safe) else safe


def csv_rows(data, reals, ours=False):
    """Rows of CSV as sorted tuples; what is missing is empty in ours and \\N in theirs."""
    rows = csv.reader(io.StringIO(data.decode("utf-8", "backslashreplace"), newline=""))
    return sorted(tuple(repr(float(c)) if i in reals and c not in ("", "\\N") else "" if c == "\\N" else c if ours else shown(c)
                        for i, c in enumerate(row)) for row in rows)


def same_table(server, file, recording, name, database="vmscope"):
    """Hold one table of a recording against the file."""
    columns = server.rows(f"SELECT name, type FROM system.columns WHERE database = '{database}' AND table = '{name}'",
                          "default")[COMMON:]
    reals = {i for i, (_, kind) in enumerate(columns) if "Float64" in kind}
    names = ", ".join(f"`{c}`" for c, _ in columns)
    theirs = server.ask(f"SELECT {names} FROM {name} WHERE recording = '{recording}' FORMAT CSV", database)
    ours = vmscope("query", "--format", "csv", file, f'SELECT * FROM "{name}"')[0]
    header, _, rest = ours.partition(b"\n")
    assert header.decode().split(",") == [c for c, _ in columns], name
    a, b = csv_rows(theirs, reals), csv_rows(rest, reals, ours=True)
    assert a == b, f"{name}: {len(a)} rows, not {len(b)}; first: {[p for p in zip(a, b) if p[0] != p[1]][:1]}"
    return len(a)


def recording_of(server, file, database="vmscope"):
    return server.rows(f"SELECT any(recording) FROM recording WHERE file = '{os.path.basename(file)}'",
                       database)[0][0]


def same_tables(server, file, database="vmscope"):
    """All tables of a file. Return: how many rows that are."""
    recording = recording_of(server, file, database)
    return sum(same_table(server, file, recording, name, database) for name in table_names(file))


def fingerprint(server, database="vmscope"):
    """{table: (rows, hash)} of all that a database holds."""
    found = {}
    for name, in server.rows(f"SELECT name FROM system.tables WHERE database = '{database}'", "default"):
        data = server.ask(f"SELECT * FROM {name} FORMAT TabSeparated", database)
        lines = sorted(data.splitlines())
        found[name] = len(lines), hashlib.sha256(b"\n".join(lines)).hexdigest()
    return found


def main(names):
    make()
    tap.run(names)
