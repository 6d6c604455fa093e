"""test_threads.py VMSCOPE SIM: what `analyze -o` writes and prints does not depend on the number of threads."""
import os
import subprocess
import sys
import tempfile

VMSCOPE, SIM = sys.argv[1:3]


def simulate(directory, *options):
    subprocess.run([SIM, "--seed", "7", "--no-truth", "--pcpus", "4", "--vms", "2", "--vcpus", "2",
                    *options, directory], check=True)


def analyze(directory, *options):
    """The report and the results file."""
    results = directory + ".vms"
    report = subprocess.run([VMSCOPE, "analyze", *options, "-o", results, directory], check=True,
                            capture_output=True).stdout
    with open(results, "rb") as file:
        return report, file.read()


def check_same(*options):
    with tempfile.TemporaryDirectory(prefix="vmscope-") as directory:
        trace = os.path.join(directory, "trace")
        simulate(trace, *options)
        alone = analyze(trace, "--threads", "1")
        for n in ("2", "3", "16"):
            assert analyze(trace, "--threads", n) == alone, n
        assert analyze(trace) == alone


def test_whole():
    check_same("--size", "12M")


def test_with_losses():
    check_same("--size", "8M", "--lost-events", "5", "--lost-packets", "5", "--packet-size", "8k")


if __name__ == "__main__":
    sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))
    import tap
    tap.run(globals())
