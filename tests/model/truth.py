"""What truly happened in a simulated recording (tests/sim/README.md), and whether results say otherwise.

Known states must be the true ones; what nobody could know may be unknown: all of a state, or the thread, system call
or VM that it names.
"""
import collections
import csv
import pathlib
import subprocess

from results import Results, meet

Told = collections.namedtuple("Told", "ts dur what")


def number(text):
    return int(text) if text else None


def merged(rows):
    """(begin, length, what) with neighbours that say the same as one."""
    found = []
    for ts, dur, what in rows:
        if found and found[-1].what == what and found[-1].ts + found[-1].dur == ts:
            found[-1] = Told(found[-1].ts, found[-1].dur + dur, what)
        elif dur:
            found.append(Told(ts, dur, what))
    return found


FORMATS = {"ctf": "", "trace.dat": ".dat", "perf.data": ".perf.data"}  # and what ends a machine's recording


class Simulation:
    """A recording in a format, made by SIM with these options, its clocks exact, in `directory`."""

    def __init__(self, sim, directory, *options, form="ctf"):
        self.directory = pathlib.Path(directory) / "sim"
        self.options, self.form = options, form
        subprocess.run([sim, *options, "--format", form, "--clock-offset", "0", "--clock-drift", "0",
                        self.directory], check=True, stdout=subprocess.DEVNULL)
        # What is to be added to times in a recording to get the truth's, on this machine.
        self.origins = {r["machine"]: int(r["origin"]) for r in self.rows("origin")}
        self.traces = [self.directory / (name + FORMATS[form]) for name in sorted(self.origins)]

    def rows(self, name):
        with open(self.directory / "truth" / (name + ".csv"), newline="") as f:
            return list(csv.DictReader(f))

    def results(self, vmscope, rows):
        """What vmscope finds when it is told the clocks."""
        host = self.origins["host"]
        given = [x for name, origin in self.origins.items() if name != "host"
                 for x in ("--clock-offset", f"{name}={origin - host}")]
        return Results.of_analysis(vmscope, rows, self.traces, *given)

    def kernel_threads(self):
        return {(r["machine"], r["tid"]) for r in self.rows("threads") if r["kthread"] == "1"}

    def machine_names(self):
        """Of the names in results: a VM without a trace is named after its process, if that is known."""
        untraced = {"vm-" + r["pid"]: r["machine"] for r in self.rows("identity")}
        return untraced | {r["machine"]: r["machine"] for r in self.rows("identity")}

    def lanes(self, name, keys, what):
        """A truth table as lanes, in the host's times; kernel threads run in the kernel, which `user` is said for there."""
        kernel, found = self.kernel_threads(), collections.defaultdict(list)
        origin = self.origins["host"]
        for r in self.rows(name):
            if r["state"] == "user" and (r["machine"], r["tid"]) in kernel:
                r["state"] = "syscall"
            begin = int(r["begin"])
            found[tuple(r[k] for k in keys)].append((begin - origin, int(r["end"]) - begin, what(r)))
        return {key: merged(rows) for key, rows in found.items()}


# ---- threads: (state, cpu, system call)


def told_of_thread(i):
    return i.state, None if i.state == "blocked" else i.cpu, i.syscall


def true_of_thread(r):
    cpu = None if r["state"] == "blocked" else number(r["cpu"])
    return r["state"], cpu, None if r["state"] == "user" else r["syscall"] or None


def thread_agrees(told, true):
    if told[0] == "unknown":
        return True
    return told[0] == true[0] and told[1] in (None, true[1]) and told[2] in (None, true[2])


def thread_agrees_but_call(told, true):
    """The kernel's raw_syscalls number system calls: a name that is not known is said to be `unknown`."""
    return thread_agrees((*told[:2], None if told[2] == "unknown" else told[2]), true)


# ---- CPUs: (state, tid, VM, vCPU, tid in the VM)


def true_of_cpu(r):
    return (r["state"], number(r["tid"]), r["vm"] or None, number(r["vcpu"]),
            number(r["guest_tid"]))


def cpu_agrees(told, true):
    known = told[0] in ("unknown", true[0]) and told[1] in (None, true[1])
    if told[2] is None:
        return known
    return known and told[2:4] == true[2:4] and told[4] in (None, true[4])


def differences(name, told, true, agrees):
    for a, b, begin, end in meet(merged(told), true):
        if not agrees(a.what, b.what):
            yield f"{name} at {begin}, {end - begin} ns: {a.what}, not {b.what}"


def is_placed(machine):
    """Whether it is known whose guest it is; else its threads are told as it believes itself."""
    return machine.name == "host" or machine.parent_id is not None


def wrong_threads(sim, r):
    truth = sim.lanes("thread_state", ("machine", "tid"), true_of_thread)
    agrees = thread_agrees if sim.form == "ctf" else thread_agrees_but_call
    for (thread,), rows in r.lanes("thread_state").items():
        t = r.threads[thread]
        machine = r.machines[t.machine_id].name
        if not is_placed(r.machines[t.machine_id]):
            continue
        yield from differences(f"thread {t.tid} ({t.comm}) of {machine}",
                               [(i.ts, i.dur, told_of_thread(i)) for i in rows],
                               truth.get((machine, str(t.tid)), []), agrees)


def wrong_cpus(sim, r):
    truth = sim.lanes("cpu_state", ("machine", "cpu"), true_of_cpu)
    names = sim.machine_names()

    def told(c):
        vm = None if c.vm_id is None else r.machines[c.vm_id].name
        return (c.state, None if c.thread_id is None else r.threads[c.thread_id].tid, names.get(vm), None if c.vcpu_id is None else r.vcpus[c.vcpu_id].vcpu_index,
                None if c.guest_thread_id is None else r.threads[c.guest_thread_id].tid)

    for (machine, cpu), rows in r.lanes("cpu_state").items():
        machine = r.machines[machine].name
        yield from differences(f"CPU {cpu} of {machine}", [(c.ts, c.dur, told(c)) for c in rows],
                               truth.get((machine, str(cpu)), []), cpu_agrees)


def needless_unknown(r):
    """A thread that made itself known stays known while all are recorded."""
    end = min(m.last_ns for m in r.machine if m.last_ns is not None)
    carried = {(v.machine_id, v.vcpu_index) for v in r.vcpu}
    for (thread,), rows in r.lanes("thread_state").items():
        machine, known = r.machines[r.threads[thread].machine_id], False
        for i in rows:
            if machine.parent_id is not None and (machine.id, i.cpu) not in carried:
                continue  # nor is its vCPU known
            if i.state == "unknown" and known and i.ts < end:
                yield f"thread {r.threads[thread].tid}: {i}"
            known |= i.state in ("user", "syscall")


# ---- wake-ups


def wrong_wakeups(sim, r):
    """A thread that is woken waits for a CPU until it runs; its vCPU is entered in between, or was in the guest."""
    truth = sim.lanes("thread_state", ("machine", "tid"), lambda r: r["state"])
    vcpus = sim.lanes("vcpu_state", ("machine", "vcpu"), lambda r: r["state"])
    for w in r.wakeup:
        machine, t = r.machines[w.machine_id], r.threads[w.thread_id]
        if w.run_ns is None or not is_placed(machine) or w.vcpu_id is None:
            continue
        waits = [i for i in truth[machine.name, str(t.tid)] if i.ts == w.ts]
        if [(i.what, i.dur) for i in waits] != [("wait-cpu", w.run_ns)]:
            yield f"{w} of thread {t.tid} of {machine.name}: {waits}"
        lane = vcpus[machine.name, str(r.vcpus[w.vcpu_id].vcpu_index)]
        if w.entry_ns is not None:
            if not any(i.what == "guest" and i.ts == w.ts + w.entry_ns for i in lane):
                yield f"{w}: the vCPU was not entered then"
        if w.vcpu_wake_ns is not None:
            if not any(i.what == "waiting" and i.ts == w.ts + w.vcpu_wake_ns for i in lane):
                yield f"{w}: the vCPU was not woken then"


# ---- containers


def depth(r, container):
    at, n = {c.id: c for c in r.container}, 0
    while container is not None:
        container, n = at[container].parent_id, n + 1
    return n


def wrong_containers(sim, r, lossy):
    """
    Where little was told of namespaces, threads may be in none and these in no other; nothing is told of a
    thread that is neither in the state dump nor forked later.
    """
    inum = {c.id: c.ns_inum for c in r.container}
    inum[None] = None
    truth = collections.defaultdict(set)
    for row in sim.rows("threads"):
        level = int(row["ns_level"])
        truth[row["machine"], row["tid"]].add((level, int(row["ns_inum"]) if level else None))
    for t in r.thread:
        true = truth.get((r.machines[t.machine_id].name, str(t.tid)))
        told = depth(r, t.container_id), inum[t.container_id]
        if lossy and true:
            told, true = told[1], {inum for _, inum in true} | {None}
        if t.pid is not None and t.tid and true and told not in true:
            yield f"thread {t.tid} of {r.machines[t.machine_id].name}: {told}, not {true}"
