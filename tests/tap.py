"""tap: runs the test_* functions of a module and prints TAP."""
import sys
import traceback


class Skip(Exception):
    """Raised by a test that cannot run here; what it says is the reason."""


def run(names):
    tests = [(name, test) for name, test in names.items() if name.startswith("test_")]
    print(f"1..{len(tests)}")
    failed = False
    for number, (name, test) in enumerate(tests, 1):
        try:
            test()
            print(f"ok {number} - {name}", flush=True)
        except Skip as reason:
            print(f"ok {number} - {name} # SKIP {reason}", flush=True)
        except Exception:  # one bad test must not hide the others
            failed = True
            detail = "".join(f"# {line[:2000]}\n" for line in traceback.format_exc().splitlines()[-8:])
            print(f"not ok {number} - {name}\n{detail}", end="", flush=True)
    sys.exit(1 if failed else 0)
