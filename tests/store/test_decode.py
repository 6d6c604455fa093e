#!/usr/bin/python3
"""test_decode.py DUMP GOLDEN: two readers that know nothing of each other agree; as TAP.

Files of random rows are read by the program's reader (DUMP) and by decode.py, which was made from the
document. GOLDEN.vms, which was written once, still reads as GOLDEN.txt.
"""
import io
import pathlib
import subprocess
import sys
import tempfile

import decode


def by_document(path):
    out = io.StringIO()
    decode.File(path.read_bytes()).print(out)
    return out.getvalue()


def by_program(dump, path):
    return subprocess.run([dump, path], stdout=subprocess.PIPE, text=True, check=True).stdout


class Tap:
    n = failed = 0

    def equal(self, name, a, b):
        self.n += 1
        self.failed += a != b
        print(f"{'ok' if a == b else 'not ok'} {self.n} - {name}")
        for x, y in zip(a.splitlines(), b.splitlines()):
            if x != y:
                print(f"# {x}\n# {y}")
                break


def main():
    dump, golden = sys.argv[1], pathlib.Path(sys.argv[2])
    tap = Tap()
    text = golden.with_suffix(".txt").read_text()
    tap.equal("golden, by the document", by_document(golden.with_suffix(".vms")), text)
    tap.equal("golden, by the program", by_program(dump, golden.with_suffix(".vms")), text)
    with tempfile.TemporaryDirectory() as directory:
        path = pathlib.Path(directory) / "random.vms"
        for seed, rows in (1, 20), (2, 200), (3, 2000), (4, 20000), (5, 200000):
            subprocess.run([dump, "--make", path, str(seed), str(rows)], check=True)
            tap.equal(f"{rows} rows", by_document(path), by_program(dump, path))
    print(f"1..{tap.n}")
    sys.exit(1 if tap.failed else 0)


main()
