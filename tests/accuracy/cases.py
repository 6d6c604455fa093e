"""The simulated cases: a seed decides all of one."""
import pathlib
import random
import tempfile

import accuracy

FAMILIES = ("plain", "smp", "late", "losses", "clocks", "contended", "missing vCPU", "foreign", "tsc", "vmsync")


def common_options(r):
    return ["--pcpus", r.choice((2, 4)), "--vms", r.choice((1, 2, 3, 4)), "--vcpus", r.choice((1, 1, 2)),
            "--duration", f"{r.uniform(0.3, 0.8):.3f}", "--isa", r.choice(("svm", "vmx")),
            "--halt-poll", r.choice((0, 0, 50)), "--clock-drift", r.choice((5, 20, 100)),
            "--clock-offset", r.choice((2, 2, 1e6))]


def family_options(family, r):
    return {
        "plain": [],
        "smp": ["--vcpus", 4, "--pcpus", 4, "--vms", r.choice((1, 2, 3))],
        "late": ["--late-guests", "--late-tracing", "--untraced", r.choice((0, 1)), "--vms", 4],
        "losses": ["--lost-events", r.choice((1, 3, 5)), "--lost-packets", r.choice((0, 3)),
                   "--packet-size", "16k"],
        "clocks": ["--clock-slew", r.choice((5, 20)), "--clock-slew-every", 0.2, "--clock-step", r.choice((0, 1)),
                   "--clock-step-us", r.choice((30, 1000, 250000))],
        "contended": ["--contention", "--pcpus", 4, "--vms", 3, "--vcpus", 2],
        "missing vCPU": ["--vcpus", r.choice((2, 3))],
        "foreign": [],
        "tsc": ["--tsc-clock", *(["--late-guests"] if r.random() < 0.5 else [])],
        "vmsync": ["--vmsync", "--vmsync-every", 3000, "--vmsync-decoys", 10, "--vmsync-lost", 30],
    }[family]


def forget_vcpu(directory, r):
    """One CPU's part of a guest's trace is missing."""
    kernel = directory / r.choice([n for n in accuracy.traces_of(directory) if n != "host"]) / "kernel"
    cpu = r.choice(sorted(kernel.glob("k_*")))
    (kernel / "index" / (cpu.name + ".idx")).unlink(missing_ok=True)
    cpu.unlink()


def run(vmscope, sim, seed, *options):
    """Return: (family, machines, report) of the case of this seed."""
    r = random.Random(seed)
    family = FAMILIES[seed % len(FAMILIES)]
    with tempfile.TemporaryDirectory() as scratch:
        directory, foreign = pathlib.Path(scratch) / "sim", []
        accuracy.simulate(sim, directory, "--seed", seed, *common_options(r), *family_options(family, r))
        if family == "missing vCPU":
            forget_vcpu(directory, r)
        if family == "foreign":
            foreign = [pathlib.Path(scratch) / "other"]
            accuracy.simulate(sim, foreign[0], "--seed", seed + 1000000, *common_options(r))
        machines, report = accuracy.judge_simulated(vmscope, directory, *options, seed=seed, foreign=foreign)
    return family, machines, report


def judged(vmscope, sim, seed):
    """Return: (family, machines) of the case of this seed."""
    return run(vmscope, sim, seed)[:2]
