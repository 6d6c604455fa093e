#!/usr/bin/python3
"""
test_hardening.py ELF...: what was built is hardened as docs/install.md says. Looks at the files, not at the options that
they were built with. As TAP.
"""
import pathlib
import re
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from tap import run  # noqa: E402 pylint: disable=wrong-import-position

FILES = sys.argv[1:]


def output_of(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def each(check):
    wrong = [text for file in FILES for text in check(file)]
    assert not wrong, "; ".join(wrong)


def headers(file):
    return output_of("readelf", "-hlW", file)


def dynamic(file):
    return output_of("readelf", "-dW", file)


def undefined(file):
    """The functions that it takes from libraries."""
    return {line.split()[-1].split("@")[0] for line in output_of("nm", "-D", "--undefined-only", file).splitlines()}


def test_it_can_be_loaded_anywhere():
    each(lambda f: [] if re.search(r"Type:\s+DYN", headers(f)) else [f"{f} is not position independent"])


def test_no_memory_is_both_writable_and_executable():
    def check(file):
        segments = re.findall(r"^\s+(LOAD|GNU_STACK)\s.*?\s([R ][W ][E ])\s", headers(file), re.M)
        assert any(kind == "GNU_STACK" for kind, _ in segments) and len(segments) > 2, segments
        return [f"{file}: {kind} is {flags}" for kind, flags in segments if "W" in flags and "E" in flags]
    each(check)


def test_relocations_are_done_at_start_and_read_only_then():
    each(lambda f: ([] if re.search(r"BIND_NOW|FLAGS_1.*NOW", dynamic(f)) else [f"{f} binds lazily"]) +
         ([] if "GNU_RELRO" in headers(f) else [f"{f} has no RELRO"]) +
         ([f"{f} has relocations in its code"] if "TEXTREL" in dynamic(f) else []))


def test_stacks_are_protected():
    each(lambda f: [] if "__stack_chk_fail" in undefined(f) else [f"{f}: no function has a canary"])


def test_copies_and_formats_are_checked():
    """Where the compiler knows the size of what is written to, the library's checking function is called."""
    each(lambda f: [] if any(name.endswith("_chk") for name in undefined(f)) else [f"{f}: no FORTIFY_SOURCE"])


def test_indirect_calls_land_only_where_functions_begin():
    """x86: functions whose address is taken begin with endbr64. arm64: with bti or paciasp."""
    landing = {"X86-64": "endbr64", "AArch64": r"paciasp|\bbti\b"}

    def check(file):
        machine = next((m for m in landing if m in headers(file)), None)
        code = output_of("objdump", "-d", "--no-show-raw-insn", file) if machine else ""
        # What comes with the compiler and the C library has some too.
        return [f"{file}: no protection of indirect calls"] if machine and len(re.findall(landing[machine], code)) < 20 else []
    each(check)


def test_it_looks_for_libraries_where_the_system_has_them():
    """An installed program with a path of the builder's would load what anybody puts there."""
    def check(file):
        paths = re.findall(r"R(?:UN)?PATH.*\[(.*)\]", dynamic(file))
        return [f"{file}: looks in {p}" for line in paths for p in line.split(":") if p and not p.startswith("$ORIGIN")]
    each(check)


run(globals())
