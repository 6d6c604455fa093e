#!/usr/bin/python3
"""test_damaged.py [--count N] [--first N] [--also N[,N...]] [--format FORMAT] [--kind KIND] VMSCOPE ROWS SIM: a damaged spot of a simulated recording spoils itself alone: what is
known outside of it is what the sound recording says; as TAP.

Damage is drawn by number: case N is always the same.
"""
import argparse
import pathlib
import sys
import tempfile

from damage import KINDS, Damaged, wrong
from lanes import Tap
from truth import FORMATS, Simulation

PER_SIMULATION = 20
SIMULATIONS = (
    ["--vms", "2", "--vcpus", "2", "--pcpus", "2", "--packet-size", "4096", "--contention"],
    ["--vms", "1", "--vcpus", "2", "--pcpus", "2", "--packet-size", "8k", "--compact", "--channels"],
    ["--vms", "2", "--vcpus", "1", "--pcpus", "4", "--packet-size", "4096", "--isa", "vmx"],
    ["--vms", "1", "--vcpus", "2", "--pcpus", "1", "--packet-size", "16k", "--compact"],
)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--count", type=int, default=20)
    parser.add_argument("--first", type=int, default=1)
    parser.add_argument("--also", default="", help="cases besides")
    parser.add_argument("--format", choices=tuple(FORMATS), default="ctf")
    parser.add_argument("--kind", choices=[k.__name__ for k in KINDS])
    for name in ("vmscope", "rows", "sim"):
        parser.add_argument(name)
    args, tap = parser.parse_args(), Tap()
    kinds = [k for k in KINDS if args.kind in (None, k.__name__)]
    sim = sound = None
    with tempfile.TemporaryDirectory() as directory:
        made = None
        for n in [*range(args.first, args.first + args.count), *(int(n) for n in args.also.split(",") if n)]:
            number = n // PER_SIMULATION
            if number != made:
                made = number
                options = SIMULATIONS[number % len(SIMULATIONS)]
                place = pathlib.Path(directory) / str(number)
                place.mkdir()
                sim = Simulation(args.sim, place, "--vmsync", "--seed", str(number + 1),
                                 "--duration", "0.05", *options, form=args.format)
                sound = sim.results(args.vmscope, args.rows)
            damaged = Damaged(sim, sound, pathlib.Path(directory) / f"damaged-{n}", n, kinds)
            sim_traces, sim.traces = sim.traces, damaged.traces
            told = sim.results(args.vmscope, args.rows)
            sim.traces = sim_traces
            tap.result(wrong(damaged, sound, told), f"case {n}: {damaged.name}")
    sys.exit(tap.end())


main()
