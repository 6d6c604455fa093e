#!/usr/bin/python3
"""test_unknown.py VMSCOPE SIM MAKE_FILES SAMPLES: of a file in which next to nothing is known, nothing
prints the number that stands for that; as TAP."""
import contextlib
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "server"))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import service  # noqa: E402 pylint: disable=wrong-import-position
import tap  # noqa: E402 pylint: disable=wrong-import-position

VMSCOPE, _, MAKE_FILES, _ = (os.path.abspath(a) for a in sys.argv[1:5])
DIRECTORY = tempfile.TemporaryDirectory()
HERE = DIRECTORY.name
UNKNOWN = f"{HERE}/unknown.vms"
subprocess.run([MAKE_FILES, HERE], check=True)

# INT64_MIN; as a double; of 64 bits without a sign; and what is left of it when a little was added.
NUMBER = re.compile(rb"922337203685|9\.22 ?E|9\.2[0-9]*e\+?18")


def vmscope(*args, status=0):
    done = subprocess.run([VMSCOPE, *args], check=False, stdout=subprocess.PIPE, timeout=60)
    assert done.returncode == status, (args, done.returncode)
    return done.stdout


def clean(output, what):
    found = NUMBER.search(output)
    assert not found, f"{what}: {output[max(found.start() - 100, 0):found.end() + 20]}"
    return output


def tables():
    """Names of all tables and views."""
    rows = json.loads(vmscope("query", "--format", "json", UNKNOWN, "SELECT name FROM sqlite_schema"))
    return [row["name"] for row in rows]


def test_reports():
    for form in ("text", "json", "csv"):
        assert clean(vmscope("report", "--all", "--format", form, UNKNOWN), form)
    # vCPUs without numbers are not the same ones.
    assert clean(vmscope("diff", UNKNOWN, UNKNOWN, status=1), "diff")
    for section in ("machines", "vcpus", "pcpus", "steal", "vm_exits", "exits", "exit_details", "threads", "containers", "latency",
                    "waits", "sync", "diag"):
        assert clean(vmscope("report", "--all", UNKNOWN, section), section)


def test_sql():
    names = tables()
    assert len(names) > 20
    for name in names:
        for form in ("table", "csv", "json"):
            clean(vmscope("query", "--format", form, UNKNOWN, f'SELECT * FROM "{name}"'), (name, form))


def test_null_is_what_sql_has():
    rows = json.loads(vmscope("query", "--format", "json", UNKNOWN,
                              "SELECT host_tid, vcpu_index, entries FROM vcpu UNION ALL SELECT pid, tid, ppid FROM thread"))
    assert len(rows) == 4 and all(value is None for row in rows for value in row.values())


def test_exports():
    for form in ("csv", "sqlite", "html", "perfetto"):
        path = pathlib.Path(HERE, f"export.{form}")
        vmscope("export", "--to", form, "-o", str(path), UNKNOWN)
        for file in path.iterdir() if path.is_dir() else [path]:
            clean(file.read_bytes(), file.name)
    if shutil.which("protoc"):
        with open(path, "rb") as f:
            clean(subprocess.run(["protoc", "--decode_raw"], stdin=f, stdout=subprocess.PIPE, check=True).stdout, path)


@contextlib.contextmanager
def served():
    with service.serving(VMSCOPE, UNKNOWN) as server:
        (exp,) = server.experiments()
        yield server, exp, f"/api/experiments/{exp['id']}", f"/experiments/{exp['id']}/outputs"


def good(reply, what):
    assert reply.status == 200, (what, reply.status, reply.data[:300])
    return clean(reply.data, what)


def test_the_page():
    with served() as (server, exp, api, _):
        rows = json.loads(good(server.get(api + "/rows"), "rows"))
        assert [(v["index"], v["tid"]) for v in rows["vcpus"]] == [(None, None)] * 2
        assert (rows["threads"][0]["tid"], rows["threads"][0]["pid"]) == (None, None)
        good(server.get(api + "/exits"), "exits")
        whole = {"start": 0, "end": exp["duration"], "pixels": 20}
        items = [r["id"] for kind in ("vcpus", "threads", "cpus") for r in rows[kind]]
        for table in ("vcpus", "exits", "threads", "cpus", "steal"):
            good(server.post(api + "/statistics", {"table": table, **whole}), table)
        for output in ("exits", "steal", "latency", "histogram"):
            good(server.post(api + "/series", {"output": output, **whole}), output)
        for output in ("vcpus", "threads", "cpus"):
            good(server.post(api + "/lanes", {"output": output, "items": items, **whole}), output)
            good(server.post(api + "/search", {"output": output, "items": items, "from": -1}), output)
        for output in ("vcpus", "threads"):
            good(server.post(api + "/arrows", {"output": output, **whole}), output)
        for kind, family in (("vcpus", "vcpu"), ("threads", "thread"), ("cpus", "cpu")):
            for i in range(len(rows["states"][family])):
                what = {"row": rows[kind][0]["id"], "time": 1000 * i + 500}
                good(server.post(api + "/details", what), what)


def test_trace_viewers():
    with served() as (server, exp, _, tsp):
        start = int(exp["start"])
        times = {"start": start, "end": start + exp["duration"] - 1, "nbTimes": 20}
        for output in server.get("/tsp/api" + tsp).json:
            name, kind = output["id"], {"TIME_GRAPH": "timeGraph", "TREE_TIME_XY": "XY", "DATA_TREE": "data",
                                        "TABLE": "table"}[output["type"]]
            path = f"{tsp}/{kind}/{name}"
            if name == "vmscope.recording":
                reply = server.tsp(path + "/lines", requested_table_index=0, requested_table_count=100)
                assert reply.status == 404, reply.data
                clean(reply.data, name)
                continue
            if kind == "table":
                good(server.tsp(path + "/lines", requested_table_index=0, requested_table_count=100), name)
                continue
            tree = json.loads(good(server.tsp(path + "/tree", requested_timerange=times), name))
            items = [entry["id"] for entry in tree["model"]["entries"]]
            if kind == "XY":
                good(server.tsp(path + "/xy", requested_timerange=times, requested_items=items), name)
            elif kind == "timeGraph":
                good(server.tsp(path + "/states", requested_timerange=times, requested_items=items), name)
                good(server.tsp(path + "/arrows", requested_timerange=times), name)
                good(server.tsp(f"{tsp}/{name}/annotations", requested_timerange=times, requested_items=items), name)
                for item in items:
                    for t in range(start + 500, start + exp["duration"], 1000):
                        good(server.tsp(path + "/tooltip", requested_times=[t], requested_items=[item]), name)


tap.run(dict(globals()))
