#!/usr/bin/python3
"""test_shown.py VMSCOPE: text from traces does nothing in a terminal, a browser or a spreadsheet, whichever output it stands in; as TAP."""
import pathlib
import re
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "analyze"))
import tap  # noqa: E402 pylint: disable=wrong-import-position
import tiny  # noqa: E402 pylint: disable=wrong-import-position

VMSCOPE = sys.argv[1]
# A terminal's escape, a bell, a control character of U+0080 to U+009F, marks of direction, what is no UTF-8, markup.
EVIL = "\x1b[31mE\x07\x9b\u202eX\u2066<b>\x7f"
FORMULA = "=cmd|' /C calc'"
# C0 but for line ends and tabs, DEL, C1, marks of direction and line separators.
ACTS = re.compile(rb"[\x00-\x08\x0b-\x1f\x7f]|\xc2[\x80-\x9f]|\xe2\x80[\x8e\x8f\xa8-\xae]|\xe2\x81[\xa6-\xa9]")
CELL = re.compile(rb"(?:^|,)\"?[=@][^,]*", re.M)


def switch(us, prev, prev_tid, next_, next_tid):
    return us, "sched_switch", {"prev_comm": prev, "prev_tid": prev_tid, "prev_prio": 0, "prev_state": 0 if prev_tid == 0 else 1,
                                "next_comm": next_, "next_tid": next_tid, "next_prio": 0}


def events():
    for t in range(0, 300, 100):
        yield switch(t + 1, "swapper", 0, EVIL, 11)
        yield t + 5, "kvm_x86_entry", {"vcpu_id": 0}
        yield t + 20, "kvm_x86_exit", {"exit_reason": 12, "guest_rip": 0, "isa": 1, "info1": 0, "info2": 0}
        yield t + 30, "kvm_x86_entry", {"vcpu_id": 0}
        yield t + 40, "kvm_x86_exit", {"exit_reason": 1, "guest_rip": 0, "isa": 1, "info1": 0, "info2": 0}
        yield switch(t + 50, EVIL, 11, FORMULA, 12)
        yield t + 60, "evil_\u202e\x1b", {"x": EVIL}
        yield switch(t + 70, FORMULA, 12, "swapper", 0)


def run(*args, text=None):
    r = subprocess.run([VMSCOPE, *map(str, args)], check=False, timeout=60, input=text, stdout=subprocess.PIPE,
                       stderr=subprocess.PIPE)
    return {"stdout": r.stdout, "stderr": r.stderr}


def made(directory):
    trace = pathlib.Path(directory, "ho\x1bs\nt")
    trace.mkdir()
    tiny.write_trace(trace, list(events()), hostname="h" + EVIL)
    stream = trace / "stream"
    stream.write_bytes(stream.read_bytes().replace("\x9b".encode(), b"\x9b\xff"))
    return trace


def harmless(what, outputs, csv=False):
    for name, data in outputs.items():
        found = ACTS.search(data)
        assert not found, (what, name, data[max(0, found.start() - 40):found.end() + 20])
        data.decode()  # it is UTF-8
        if csv:
            found = CELL.search(data)
            assert not found, (what, name, found)


def test_of_recordings():
    with tempfile.TemporaryDirectory() as directory:
        trace = made(directory)
        for args in (["info"], ["info", "--format", "json"], ["events"], ["events", "--format", "json"], ["analyze"],
                     ["analyze", "--format", "json"]):
            outputs = run(*args, trace)
            assert outputs["stdout"], args
            harmless(args, outputs)
        outputs = run("info", directory + "/no\x1b[31m\u202e")
        assert outputs["stderr"]
        harmless("info of nothing", outputs)


def test_of_results():
    with tempfile.TemporaryDirectory() as directory:
        trace, vms = made(directory), pathlib.Path(directory, "r.vms")
        run("analyze", "-o", vms, trace)
        for form in ("text", "json", "csv"):
            harmless(f"report {form}", run("report", "--format", form, vms), form == "csv")
        for form in ("table", "json", "csv"):
            for table in ("thread", "machine", "vcpu"):
                outputs = run("query", "--format", form, vms, f"SELECT * FROM {table}")
                assert outputs["stdout"], (form, table, outputs)
                harmless(f"query {form} {table}", outputs, form == "csv")
        harmless("prompt", run("query", vms, text=b"SELECT comm FROM thread;\n"))
        for args in (["why"], ["check"]):
            harmless(args, run(*args, vms))


def test_of_exports():
    with tempfile.TemporaryDirectory() as directory:
        trace, vms = made(directory), pathlib.Path(directory, "r.vms")
        run("analyze", "-o", vms, trace)
        page = pathlib.Path(directory, "r.html")
        harmless("export", run("export", "--to", "html", "-o", page, vms))
        harmless("html", {"page": page.read_bytes()})
        assert b"<b>\xef\xbf\xbd" not in page.read_bytes()
        tables = pathlib.Path(directory, "csv")
        harmless("export", run("export", "--to", "csv", "-o", tables, vms))
        files = list(tables.iterdir())
        assert files
        harmless("csv", {p.name: p.read_bytes() for p in files}, csv=True)
        ui = pathlib.Path(directory, "r.pftrace")
        harmless("export", run("export", "--to", "perfetto", "-o", ui, vms))
        assert b"\x1b[31mE" not in ui.read_bytes() and b"\xe2\x80\xae" not in ui.read_bytes()


tap.run(dict(globals()))
