#!/usr/bin/python3
"""test_memory.py VMSCOPE SIM MEGABYTES MORE: analyze takes hardly more memory for a trace ten times as long."""
import os
import subprocess
import sys
import tempfile

FACTOR = 10


def simulate(sim, directory, megabytes):
    subprocess.run([sim, "--seed", "5", "--pcpus", "4", "--vms", "2", "--vcpus", "2", "--no-truth",
                    "--size", f"{megabytes}M", directory], check=True, stdout=subprocess.DEVNULL)


def peak(vmscope, directory, threads):
    """KiB that one run has in memory at most: the least of three, since what else runs can add to it only."""
    def run():
        command = [vmscope, "analyze", "--threads", str(threads), "-o", f"{directory}.vms", directory]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        assert os.waitstatus_to_exitcode(status) == 0, command
        return usage.ru_maxrss
    return min(run() for _ in range(2))


def main(vmscope, sim, megabytes, more):
    good = True
    with tempfile.TemporaryDirectory() as d:
        small, large = f"{d}/small", f"{d}/large"
        simulate(sim, small, int(megabytes))
        simulate(sim, large, int(megabytes) * FACTOR)
        for number, threads in enumerate((1, 2), 1):
            a, b = peak(vmscope, small, threads), peak(vmscope, large, threads)
            is_flat = b <= float(more) * a
            good &= is_flat
            print(f"{'ok' if is_flat else 'not ok'} {number} - {threads} threads: {a} KiB for {megabytes} MB, "
                  f"{b} KiB for {int(megabytes) * FACTOR} MB: {b / a:.3f} times as much")
    print("1..2")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
