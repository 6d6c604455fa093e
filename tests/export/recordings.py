"""recordings: results files to export, and how to."""
import json
import os
import pathlib
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import tap  # noqa: E402 pylint: disable=wrong-import-position,unused-import

VMSCOPE, SIM, MAKE_FILES, SAMPLES = (os.path.abspath(a) for a in sys.argv[1:5])
DIRECTORY = tempfile.TemporaryDirectory()
HERE = DIRECTORY.name
ENV = {**os.environ, "LC_ALL": "C", "TZ": "UTC"}

SAMPLE, CROWD, HOSTILE, EMPTY, FAR, TWICE, WIDE, BUSY = (
    f"{HERE}/{name}.vms" for name in ("sample", "crowd", "hostile", "empty", "far", "twice", "wide", "busy"))


def make():
    """The sample; a simulated host on which VMs compete; and those of make_files."""
    quiet = {"check": True, "stdout": subprocess.DEVNULL, "timeout": 120}
    subprocess.run([VMSCOPE, "analyze", "-o", SAMPLE, f"{SAMPLES}/one-guest"], **quiet)
    subprocess.run([SIM, "--contention", "--vms", "3", "--vcpus", "2", "--pcpus", "4", "--duration",
                    "0.15", "--seed", "11", f"{HERE}/crowd"], **quiet)
    subprocess.run([VMSCOPE, "analyze", "-o", CROWD, *(f"{HERE}/crowd/{name}" for name in
                                                     ("host", "g1", "g2", "g3"))], **quiet)
    subprocess.run([MAKE_FILES, HERE], **quiet)


def vmscope(*args, status=0, **how):
    """Return: what it printed, and what it said."""
    done = subprocess.run([VMSCOPE, *map(str, args)], env=ENV, timeout=120, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, check=False, **how)
    said = done.stderr.decode()
    assert done.returncode == status, f"{args}: {done.returncode}, not {status}: {said}"
    return done.stdout, said


def export(file, form, *args):
    """Return: where what was made is."""
    path = f"{HERE}/exported.{form}"
    vmscope("export", "--to", form, "-o", path, *args, file)
    return path


def query(file, sql):
    return json.loads(vmscope("query", "--format", "json", file, sql)[0])


def tables_of(file):
    """Names of all tables and views."""
    return [row["name"] for row in query(file, "SELECT name FROM sqlite_schema "
                                               "WHERE type IN ('table', 'view')")]


make()
