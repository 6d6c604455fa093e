#!/usr/bin/python3
"""
test_api.py VMSCOPE LIBVMSCOPE SECTION STATES WHY SAMPLE PYTHON_DIR EXAMPLES HEADER: what programs get from libvmscope, from C
and from Python, is what vmscope itself prints. As TAP.
"""
import csv
import io
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import threading

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from tap import Skip, run  # noqa: E402 pylint: disable=wrong-import-position

(VMSCOPE, LIBRARY, SECTION, STATES, WHY, SAMPLE, PYTHON_DIR, EXAMPLES, HEADER) = sys.argv[1:]
SCRATCH = tempfile.TemporaryDirectory()
FILE = f"{SCRATCH.name}/run.vms"
TRACES = [f"{SAMPLE}/host", f"{SAMPLE}/guest"] if pathlib.Path(SAMPLE, "guest").exists() else [SAMPLE]


def output_of(*command, **more):
    return subprocess.run(list(map(str, command)), check=True, capture_output=True, text=True, timeout=300, **more).stdout


def report(*sections, form="json"):
    return output_of(VMSCOPE, "report", "--format", form, FILE, *sections)


def query(sql):
    return json.loads(output_of(VMSCOPE, "query", "--format", "json", FILE, sql))


subprocess.run([VMSCOPE, "analyze", "-o", FILE, SAMPLE], check=True, capture_output=True, timeout=300)
ALL = json.loads(report())
SANITIZED = "asan" in output_of("readelf", "-dW", LIBRARY) or "__asan" in output_of("nm", "-D", LIBRARY)


def library():
    """The Python package, on the library that was built."""
    if SANITIZED:
        raise Skip("Python is not built with the sanitizers that the library is built with")
    os.environ["VMSCOPE_LIBRARY"] = LIBRARY
    sys.dont_write_bytecode = True
    if PYTHON_DIR not in sys.path:
        sys.path.insert(0, PYTHON_DIR)
    import vmscope
    return vmscope


# ---- the library -----------------------------------------------------------------------------------------------------

def test_it_has_all_that_the_header_declares_and_nothing_else():
    text = re.sub(r"/\*.*?\*/", "", pathlib.Path(HEADER).read_text(), flags=re.S)
    declared = set(re.findall(r"\b(vms_\w+)\(", text))
    symbols = [line.split()[-1] for line in output_of("nm", "-D", "--defined-only", LIBRARY).splitlines()]
    exported = {s for s in symbols if not s.startswith(("__asan", "__ubsan", "__odr", "LIBVMSCOPE"))}
    assert exported == {f"{name}@@LIBVMSCOPE_0" for name in declared}, exported ^ {f"{d}@@LIBVMSCOPE_0" for d in declared}


def test_its_soname_is_what_was_promised():
    assert "libvmscope.so.0]" in output_of("readelf", "-dW", LIBRARY)


def test_the_header_is_c_and_cplusplus_by_itself():
    for language, options in (("c", ["-std=c99", "-pedantic"]), ("c++", ["-std=c++11"])):
        compiler = {"c": "cc", "c++": "c++"}[language]
        try:
            subprocess.run([compiler, "-x", language, *options, "-Wall", "-Wextra", "-Werror", "-fsyntax-only", "-I",
                            str(pathlib.Path(HEADER).parent), "-"], input="#include <vmscope.h>\n"
                           "static struct vms_select s = VMS_SELECT_INIT;\n"
                           "static struct vms_analysis a = VMS_ANALYSIS_INIT;\n"
                           "int main(void) { return !s.size || !a.size; }\n", text=True, check=True, capture_output=True)
        except FileNotFoundError:
            continue
        except subprocess.CalledProcessError as e:
            raise AssertionError(e.stderr) from None


# ---- examples in C ---------------------------------------------------------------------------------------------------

def test_each_section_is_what_the_report_prints():
    parts = re.split(r"^# (\w+)\n", report(form="csv"), flags=re.M)[1:]
    assert len(parts) == 2 * len(ALL) - 4
    for section, theirs in zip(parts[::2], parts[1::2]):
        mine, theirs = output_of(SECTION, FILE, section), theirs.rstrip("\n") + "\n"
        assert mine == theirs, (section, mine[:400], theirs[:400])
        assert list(csv.reader(io.StringIO(mine))), section


def test_times_in_states_are_those_of_sql():
    got = {(vm, int(index or 0), state): int(ns) for vm, index, state, ns in
           (line.split("\t") for line in output_of(STATES, FILE).splitlines())}
    wanted = {(r["vm"], r["vcpu_index"], r["state"]): r["ns"] for r in query(
        "SELECT m.name AS vm, v.vcpu_index, s.state, sum(s.dur) AS ns FROM vcpu_state s JOIN vcpu v ON v.id = s.vcpu_id "
        "JOIN machine m ON m.id = v.machine_id GROUP BY 1, 2, 3")}
    assert wanted and {k: v for k, v in got.items() if v} == wanted, (got, wanted)


def test_an_analysis_is_that_of_the_program():
    text = output_of(WHY, SAMPLE)
    for f in ALL["findings"]:
        assert f["what"] in text and f["remedy"] in text, (f, text)
    for s in ALL["split"]:
        parts = " ".join(f"{100 * s[p] / s['total_ns']:.1f}" for p in
                         ("run_ns", "ready_ns", "exit_ns", "poll_ns", "idle_ns", "blocked_ns", "unknown_ns"))
        assert f"{s['machine']} vCPU {s['vcpu_index']}: {parts}\n" in text, (s, text)


def test_it_reads_the_snapshot_of_the_host_as_the_program_does():
    """VMs without a trace have the names that `vmscope record` found."""
    with tempfile.TemporaryDirectory() as directory:
        host = pathlib.Path(directory, "host")
        shutil.copytree(f"{SAMPLE}/host", host)
        pid = re.search(r"vm-(\d+)", output_of(WHY, host))[1]
        snapshot = host / "kernel.snapshot.json"
        snapshot.write_text(json.dumps({"vmscope_snapshot": 1, "begin": {"vms": [{"pid": int(pid), "name": "web1"}]}}))
        text = output_of(WHY, host)
        assert "web1 vCPU 0: " in text and "vm-" not in text, text
        assert "web1" in output_of(VMSCOPE, "why", host)
        snapshot.write_text("{}")
        if not SANITIZED:
            with library().analyze([str(host)]) as file:
                assert any("is no snapshot" in note for note in file.notes), file.notes


def test_what_cannot_be_done_is_said_in_one_line():
    for command, said in (([SECTION, f"{SCRATCH.name}/none", "split"], "No such file"), ([SECTION, FILE, "nonsense"], "'nonsense'"),
                          ([SECTION, __file__, "split"], "not a vmscope results file"), ([WHY, SCRATCH.name], ""), ([WHY], "no recording")):
        done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)
        assert done.returncode == 1 and said in done.stderr and done.stderr.count("\n") == 1 and not done.stdout, (command, done)


def test_the_example_of_the_documents_compiles():
    text = pathlib.Path(EXAMPLES, "../docs/library.md").read_text()
    source = re.search(r"<!-- example -->\n\n((?:    .*\n|\n)+)", text)[1]
    if SANITIZED:
        raise Skip("a plain program cannot be linked with a library that is built with sanitizers")
    program = f"{SCRATCH.name}/example"
    subprocess.run(["cc", "-x", "c", "-Wall", "-Werror", "-I", str(pathlib.Path(HEADER).parent), "-o", program, "-", "-x", "none", LIBRARY,
                    f"-Wl,-rpath,{pathlib.Path(LIBRARY).parent}"], input=source, text=True, check=True)
    lines = [f"{s['machine']} vCPU {s['vcpu_index']} ran for {s['run_ns']} ns\n" for s in ALL["split"]]
    assert output_of(program, cwd=SCRATCH.name) == "".join(lines)


# ---- Python ----------------------------------------------------------------------------------------------------------

def test_python_lists_what_there_is():
    with library().open(FILE) as file:
        assert [m.name for m in file.machines] == [m["name"] for m in query("SELECT name FROM machine ORDER BY id")]
        assert [(v.id, v.machine.name, v.exits) for v in file.vcpus] == [tuple(r.values()) for r in query(
            "SELECT v.id, m.name, v.exits FROM vcpu v JOIN machine m ON m.id = v.machine_id ORDER BY v.id")]
        assert [(t.id, t.tid, t.comm) for t in file.threads] == [tuple(r.values()) for r in query(
            "SELECT id, tid, comm FROM thread ORDER BY id")]
        assert {vm.id for vm in file.vms} == {v.machine_id for v in file.vcpus}
        assert (file.begin_ns, file.end_ns) == (ALL["span"]["begin_ns"], ALL["span"]["end_ns"])
        assert file.time_origin == ALL["span"]["time_origin"]


def test_python_has_the_numbers_of_the_report():
    with library().open(FILE) as file:
        for section in library().sections:
            rows = [dict(zip(file.section(section).columns, row)) for row in file.section(section)]
            assert rows == ALL[section], section


def test_python_has_the_rows_of_each_table():
    with library().open(FILE) as file:
        for table in library().tables:
            wanted = query(f"SELECT * FROM {table}")
            rows = file.table(table)
            assert [dict(zip(rows.columns, r)) for r in rows] == wanted, table


def test_python_selects_by_lane_time_and_state():
    with library().open(FILE) as file:
        for vcpu in file.vcpus:
            middle, later = file.begin_ns + 40_000_000, file.begin_ns + 90_000_000
            rows = [r.ts for r in file.table("vcpu_state", lane=vcpu.id, begin_ns=middle, end_ns=later, state="guest")]
            assert rows == [r["ts"] for r in query(f"SELECT ts FROM vcpu_state WHERE vcpu_id = {vcpu.id} AND state = 'guest' "
                                                   f"AND ts < {later} AND ts_end > {middle} ORDER BY ts")]
            times = file.time_in_states("vcpu_state", vcpu.id, begin_ns=middle, end_ns=later)
            assert sum(times.values()) == later - middle, times
        host = next(m for m in file.machines if m.is_host)
        cpus = [lane for lane in file.lanes("cpu_state") if lane.keys[0] == host.id]
        assert cpus and sum(lane.rows for lane in cpus) == len(list(file.table("cpu_state", lane=host.id)))


def test_python_asks_sql():
    with library().open(FILE) as file:
        rows = file.query("SELECT count(*), max(ts) AS last, ?1 AS a, ?2 AS b, ?3 AS c FROM vcpu_state", 5, "it's", None)
        assert [tuple(r) for r in rows] == [(*query("SELECT count(*) AS n, max(ts) AS m FROM vcpu_state")[0].values(), 5, "it's", None)]
        assert list(rows)[0].last == list(rows)[0][1]


def test_python_gives_arrays_and_frames():
    try:
        import numpy
        import pandas
    except ImportError:
        raise Skip("there is no numpy or pandas") from None
    with library().open(FILE) as file:
        for table in library().tables:
            wanted = query(f"SELECT * FROM {table}")
            arrays, frame = file.table(table).numpy(), file.table(table).pandas()
            assert len(frame) == len(wanted), table
            for name in arrays:
                column = [r[name] for r in wanted]
                got = [None if isinstance(v, float) and numpy.isnan(v) else v for v in arrays[name].tolist()]
                assert got == column, (table, name)
                got = [None if pandas.isna(v) else v for v in frame[name].astype(object)]
                assert got == column, (table, name)
        states = file.table("vcpu_state").pandas()
        assert states["dur"].dtype == numpy.int64 and states["state"].dtype == "category"
        assert file.section("split").pandas()["run_ns"].dtype == numpy.int64
        assert file.query("SELECT 1 AS one WHERE 0").pandas().empty


def test_python_raises_what_cannot_be_done():
    vmscope = library()
    with vmscope.open(FILE) as file:
        for wrong, said in ((lambda: vmscope.open("/nowhere"), "/nowhere"), (lambda: file.table("nonsense"), "nonsense"),
                            (lambda: list(file.query("SELECT nonsense")), "nonsense"), (lambda: file.query("SELECT 1; SELECT 2"), "one SQL"),
                            (lambda: file.query("SELECT ?1", 1, 2), "range"), (lambda: file.table("vcpu_state", state="asleep"), "asleep"),
                            (lambda: file.time_in_states("vcpu_state", 12345), "lane"), (lambda: file.section("split", vcpu=999), ""),
                            (lambda: vmscope.analyze([]), "no recording"), (lambda: vmscope.analyze([SAMPLE], sync="magic"), "magic"),
                            (lambda: vmscope.analyze([SAMPLE], clock_offsets={"nobody": 5}), "nobody")):
            try:
                wrong()
            except vmscope.Error as e:
                assert said in str(e) and "\n" not in str(e), e
            else:
                raise AssertionError(f"nothing was raised where '{said}' was to be said")
    try:
        list(file.table("vcpu"))
    except vmscope.Error as e:
        assert "closed" in str(e)
    else:
        raise AssertionError("a closed file was read")


def test_python_analyzes():
    vmscope = library()
    out = f"{SCRATCH.name}/again.vms"
    with vmscope.analyze([SAMPLE], output=out) as kept, vmscope.analyze([SAMPLE], threads=1) as gone:
        split = [tuple(r) for r in gone.section("split")]
        assert split == [tuple(r) for r in kept.section("split")] == [tuple(r.values()) for r in ALL["split"]]
        assert [tuple(r) for r in gone.query("SELECT count(*) FROM vm_exit")] == [(len(query("SELECT ts FROM vm_exit")),)]
    assert [p.name for p in pathlib.Path(SCRATCH.name).iterdir()].count("again.vms") == 1
    assert pathlib.Path(out).stat().st_size == pathlib.Path(FILE).stat().st_size


def test_one_file_serves_many_threads():
    wrong = []
    with library().open(FILE) as file:
        def all_of_it():
            return (list(file.section("vcpus")), list(file.query("SELECT count(*), sum(dur) FROM vcpu_state")),
                    list(file.table("vcpu_state", begin_ns=file.begin_ns + 100_000_000, end_ns=file.begin_ns + 200_000_000)))
        wanted = all_of_it()

        def ask():
            for _ in range(3):
                if all_of_it() != wanted:
                    wrong.append(threading.current_thread().name)
        threads = [threading.Thread(target=ask) for _ in range(4)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
    assert not wrong, wrong


def test_the_notebook_prints_the_numbers_of_the_report():
    try:
        import pandas  # noqa: F401 pylint: disable=unused-import
    except ImportError:
        raise Skip("there is no pandas") from None
    library()
    text = output_of(sys.executable, f"{EXAMPLES}/notebook.py", FILE,
                     env={**os.environ, "PYTHONPATH": PYTHON_DIR, "PYTHONDONTWRITEBYTECODE": "1"})
    for f in ALL["findings"]:
        assert f["what"] in text and f["remedy"] in text, text
    for s in ALL["split"]:
        numbers = [round(100 * s[p] / s["total_ns"], 1) for p in
                   ("run_ns", "ready_ns", "exit_ns", "poll_ns", "idle_ns", "blocked_ns", "unknown_ns")]
        line = next(x for x in text.splitlines() if x.split()[:1] == [f"{s['machine']}/{s['vcpu_index']}"])
        assert [float(x) for x in line.split()[1:]] == numbers, (line, numbers)


run(globals())
