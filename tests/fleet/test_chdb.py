#!/usr/bin/python3
"""test_chdb.py VMSCOPE SIM MAKE_FILES SAMPLES: a current ClickHouse reads the files that Debian's reads, and finds in them what `vmscope
query` prints; as TAP. It comes from npm, by its version (0.5 GB), so this is not part of `make check`."""
import pathlib
import shutil
import subprocess

import fleet
from fleet import CROWD, HERE, HOSTILE, SAMPLE, UNKNOWN, vmscope
from tap import Skip

SOURCE = pathlib.Path(__file__).resolve().parent / "chdb"


class Chdb:
    """Installed when it is first asked for."""

    where = None

    @classmethod
    def ask(cls, file, sql):
        cls.install()
        return subprocess.run(["node", "ask.mjs", file, sql], cwd=cls.where, check=True, stdout=subprocess.PIPE,
                              timeout=120).stdout

    @classmethod
    def install(cls):
        if cls.where:
            return
        if not shutil.which("node") or not shutil.which("npm"):
            raise Skip("there is no node or npm")
        where = pathlib.Path(HERE) / "chdb"
        shutil.copytree(SOURCE, where, dirs_exist_ok=True)
        done = subprocess.run(["npm", "install", "--no-audit", "--no-fund", "--no-package-lock"], cwd=where, timeout=900, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
        if done.returncode:
            raise Skip("npm cannot install chdb: " + " ".join(done.stdout.split())[-200:])
        cls.where = where


def columns_of(file):
    rows = Chdb.ask(file, "DESCRIBE FILE").decode().splitlines()
    return [[c.strip('"') for c in row.split(",")[:2]] for row in rows]


def same(results):
    directory = f"{HERE}/native"
    vmscope("export", "--to", "clickhouse-native", "-o", directory, results)
    for name in fleet.table_names(results):
        file = f"{directory}/{name}.native"
        ours = vmscope("query", "--format", "csv", results, f'SELECT * FROM "{name}"')[0].partition(b"\n")[2]
        if not ours:
            continue
        columns = columns_of(file)[fleet.COMMON:]
        reals = {i for i, (_, kind) in enumerate(columns) if "Float64" in kind}
        theirs = Chdb.ask(file, "SELECT " + ", ".join(f"`{c}`" for c, _ in columns) + " FROM FILE")
        assert fleet.csv_rows(theirs, reals) == fleet.csv_rows(ours, reals, ours=True), name


def test_the_sample():
    same(SAMPLE)


def test_a_crowd():
    same(CROWD)


def test_names_of_any_kind():
    same(HOSTILE)
    same(UNKNOWN)


def test_histograms():
    rows = Chdb.ask(f"{HERE}/native/exit_minute.native", "SELECT sum(exits) = sum(arraySum(hist_n)) + sum(exits - ended) FROM FILE")
    assert rows == b"1\n" or not rows


if __name__ == "__main__":
    fleet.main(globals())
