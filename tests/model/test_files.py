#!/usr/bin/python3
"""test_files.py VMSCOPE SIM: a recording in very many files, as LTTng rotates them, says what it says in a few; as TAP."""
import pathlib
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from damage import packets_of  # noqa: E402 pylint: disable=wrong-import-position
from tap import run  # noqa: E402 pylint: disable=wrong-import-position

VMSCOPE, SIM = sys.argv[1:3]
TABLES = ("vcpu_state", "thread_state", "cpu_state", "vm_exit", "wakeup")


def rotate(kernel):
    """Puts each packet of a stream into a file of its own."""
    for stream in kernel.glob("k_*"):
        data = stream.read_bytes()
        stream.unlink()
        for i, p in enumerate(packets_of(data)):
            stream.with_name(f"{stream.name}_{i}").write_bytes(data[p.offset:p.offset + p.size])
    shutil.rmtree(kernel / "index", ignore_errors=True)


def results(place, recording):
    """Return: what it found, and what it said about the recording."""
    vms = place / "r.vms"
    done = subprocess.run([VMSCOPE, "analyze", "--strict", "-o", vms, recording], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    tables = [subprocess.run([VMSCOPE, "query", vms, f"SELECT * FROM {t}"], check=True, capture_output=True).stdout
              for t in TABLES]
    return tables, done.stderr


def both(*options):
    with tempfile.TemporaryDirectory() as directory:
        place = pathlib.Path(directory)
        subprocess.run([SIM, "--vms", "1", "--pcpus", "2", *options, "--no-truth", place / "few"], check=True,
                       capture_output=True)
        shutil.copytree(place / "few", place / "many")
        for machine in (place / "many").iterdir():
            if (machine / "kernel").is_dir():
                rotate(machine / "kernel")
        few, many = results(place, place / "few"), results(place, place / "many")
        n = sum(1 for f in (place / "many").rglob("k_*"))
        print(f"# {n} files")
        assert n > 1000
        assert all(few[0]) and few == many


def test_files_that_are_read():
    both("--seed", "7", "--packet-size", "4096", "--size", "8M")


def test_files_that_are_mapped():
    both("--seed", "8", "--packet-size", "20k", "--size", "30M")


run(globals())
