#!/usr/bin/python3
"""test_laws.py VMSCOPE ROWS RECORDING...: the laws of conservation hold in the results of every recording; as TAP."""
import sys

from lanes import Tap
from results import Results


def main():
    vmscope, rows, *recordings = sys.argv[1:]
    tap = Tap()
    for recording in recordings:
        results = Results.of_analysis(vmscope, rows, [recording])
        tap.result([] if results.cpu_state and results.thread_state else ["nothing"],
                   f"{recording}: lanes of CPUs and threads are there")
        for law in Results.LAWS:
            tap.result(law(results), f"{recording}: {law.__doc__}")
    sys.exit(tap.end())


main()
