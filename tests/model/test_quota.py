#!/usr/bin/python3
"""test_quota.py VMSCOPE: real CPU quotas, by the kernel that runs this. What vmscope calls throttled is what the kernel counts; as TAP.

A thread that never stops computing, pinned, in a cgroup with a quota, stands in for a vCPU: what ftrace records of it becomes a
trace.dat in which it is in a guest whenever it runs. Where no cgroup can be made or nothing traced, this is skipped.
"""
import contextlib
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import time

TESTS = pathlib.Path(__file__).resolve().parent.parent
sys.path[:0] = [str(TESTS), str(TESTS / "input")]
import gen_tracedat as dat  # noqa: E402 pylint: disable=wrong-import-position
import tap  # noqa: E402 pylint: disable=wrong-import-position

VMSCOPE = sys.argv[1]
PERIOD_US = 100000
SECONDS = 1.2
LIMIT = 20  # s, after which a process that computes ends by itself
WITHIN = 0.02
EVENTS = ("sched/sched_switch", "sched/sched_waking", "sched/sched_wakeup", "sched/sched_migrate_task",
          "timer/hrtimer_expire_entry", "timer/hrtimer_expire_exit")
EXTERNAL_INTERRUPT, VMX = 1, 1

TASK = [("char", "comm", "s", 16), ("pid_t", "pid", "i", 1)]
SWITCH = dat.Format(319, "sched", "sched_switch", [
    ("char", "prev_comm", "s", 16), ("pid_t", "prev_pid", "i", 1), ("int", "prev_prio", "i", 1),
    ("long", "prev_state", "q", 1), ("char", "next_comm", "s", 16), ("pid_t", "next_pid", "i", 1),
    ("int", "next_prio", "i", 1)])
WAKING = dat.Format(322, "sched", "sched_waking", [*TASK, ("int", "prio", "i", 1), ("int", "target_cpu", "i", 1)])
WAKEUP = dat.Format(321, "sched", "sched_wakeup", [*TASK, ("int", "prio", "i", 1), ("int", "target_cpu", "i", 1)])
MIGRATE = dat.Format(318, "sched", "sched_migrate_task", [
    *TASK, ("int", "prio", "i", 1), ("int", "orig_cpu", "i", 1), ("int", "dest_cpu", "i", 1)])
EXPIRE = dat.Format(378, "timer", "hrtimer_expire_entry", [
    ("void *", "hrtimer", "Q", 1), ("s64", "now", "q", 1), ("void *", "function", "Q", 1)])
EXPIRED = dat.Format(377, "timer", "hrtimer_expire_exit", [("void *", "hrtimer", "Q", 1)])
ENTRY = dat.Format(1583, "kvm", "kvm_entry", [("unsigned int", "vcpu_id", "I", 1)])
EXIT = dat.Format(1574, "kvm", "kvm_exit", [
    ("unsigned int", "exit_reason", "I", 1), ("u32", "isa", "I", 1), ("unsigned int", "vcpu_id", "I", 1)])
STATES = {"R": 0, "S": 1, "D": 2, "T": 4, "t": 8, "X": 16, "Z": 32, "P": 64, "I": 128}


# ---- the kernel's side

def mounted(kind, option=None):
    for line in pathlib.Path("/proc/mounts").read_text().splitlines():
        _, where, what, options = line.split()[:4]
        if what == kind and (option is None or option in options.split(",")):
            return pathlib.Path(where)
    return None


class Group:
    """A cgroup with a quota, of cgroup v1 or v2."""

    def __init__(self, percent):
        v1, v2 = mounted("cgroup", "cpu"), mounted("cgroup2")
        quota = PERIOD_US * percent // 100
        self.v1 = v1 is not None
        if not self.v1 and (v2 is None or "cpu" not in (v2 / "cgroup.subtree_control").read_text().split()):
            raise tap.Skip("no cgroup controls the CPU here")
        self.path = (v1 or v2) / f"vmscope-test-{os.getpid()}-{percent}-{time.monotonic_ns()}"
        try:
            self.path.mkdir()
            if self.v1:
                self.write("cpu.cfs_period_us", PERIOD_US)
                self.write("cpu.cfs_quota_us", quota)
                self.write("cpu.shares", 1 << 18)
            else:
                self.write("cpu.max", f"{quota} {PERIOD_US}")
                self.write("cpu.weight", 10000)
        except OSError as e:
            self.remove()
            raise tap.Skip(f"a cgroup cannot be made: {e}") from e

    def write(self, name, value):
        (self.path / name).write_text(str(value))

    def take_me(self):
        self.write("tasks" if self.v1 else "cgroup.procs", 0)

    def throttled_ns(self):
        stat = dict(line.split() for line in (self.path / "cpu.stat").read_text().splitlines())
        return int(stat["throttled_time"]) if self.v1 else 1000 * int(stat["throttled_usec"])

    def remove(self):
        for _ in range(100):
            try:
                self.path.rmdir()
                return
            except FileNotFoundError:
                return
            except OSError:
                time.sleep(0.02)


@contextlib.contextmanager
def limited(percent):
    group = Group(percent)
    try:
        yield group
    finally:
        group.remove()


@contextlib.contextmanager
def tracing():
    """An instance of ftrace's of our own. What it yields returns what was recorded."""
    root = mounted("tracefs")
    if os.geteuid() != 0 or root is None:
        raise tap.Skip("needs root, and tracefs")
    path = root / "instances" / f"vmscope-test-{os.getpid()}"
    try:
        path.mkdir()
    except OSError as e:
        raise tap.Skip(f"nothing can be traced: {e}") from e
    try:
        (path / "trace_clock").write_text("mono")
        (path / "buffer_size_kb").write_text("4096")
        for event in EVENTS:
            (path / "events" / event / "enable").write_text("1")
        yield lambda: (path / "tracing_on").write_text("0") and (path / "trace").read_text(errors="replace")
    finally:
        (path / "tracing_on").write_text("0")
        for event in EVENTS:
            (path / "events" / event / "enable").write_text("0")
        path.rmdir()


def spin(cpu, group=None):
    """Return: the pid of a process that computes for ever on this CPU."""
    pid = os.fork()
    if pid == 0:
        try:
            os.sched_setaffinity(0, {cpu})
            signal.alarm(LIMIT)  # whatever becomes of us
            if group:
                group.take_me()
            while True:
                pass
        finally:
            os._exit(1)
    return pid


def end(pids):
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    for pid in pids:
        os.waitpid(pid, 0)


# ---- ftrace's text as a trace.dat with a guest in it

LINE = re.compile(r"\s*(.+)-(\d+)\s+\[(\d+)\] \S+\s+(\d+)\.(\d+): (\w+): (.*)")
SWITCHED = re.compile(r"prev_comm=(.*) prev_pid=(\d+) prev_prio=(\d+) prev_state=(\S+) ==> "
                      r"next_comm=(.*) next_pid=(\d+) next_prio=(\d+)")
WOKEN = re.compile(r"comm=(.*) pid=(\d+) prio=(\d+) target_cpu=(\d+)")
MOVED = re.compile(r"comm=(.*) pid=(\d+) prio=(\d+) orig_cpu=(\d+) dest_cpu=(\d+)")
FIRED = re.compile(r"hrtimer=(\S+) function=(\S+) now=(\d+)")


class Recording:
    """trace.dat of ftrace's text, in which the threads of these pids are vCPUs, each in its guest whenever it runs."""

    def __init__(self, text, pids):
        self.machine = dat.Machine()
        self.rings, self.running, self.functions = {}, {}, {}
        self.vcpus = {pid: number for number, pid in enumerate(pids)}
        self.in_guest = set()  # CPUs
        last = 0
        for line in text.splitlines():
            m = LINE.match(line)
            if not m:
                continue
            _, tid, cpu, seconds, us, name, rest = m.groups()
            # Events stand in their order, with some room between them for those that are added.
            last = max((int(seconds) * 1000000 + int(us)) * 1000, last + 10)
            self.event(last, int(cpu), int(tid), name, rest)

    def put(self, ns, cpu, tid, form, *values):
        if cpu not in self.rings:
            self.rings[cpu] = dat.Ring(self.machine)
        self.rings[cpu].event(ns, form, *values, pid=tid)

    def event(self, ns, cpu, tid, name, rest):
        if cpu in self.in_guest:
            self.in_guest.remove(cpu)
            self.put(ns - 2, cpu, tid, EXIT, EXTERNAL_INTERRUPT, VMX, self.vcpus[tid])
        getattr(self, name)(ns, cpu, tid, rest)
        now = self.running.get(cpu)
        if now in self.vcpus:
            self.in_guest.add(cpu)
            self.put(ns + 2, cpu, now, ENTRY, self.vcpus[now])

    def sched_switch(self, ns, cpu, tid, rest):
        comm, pid, prio, state, *then = SWITCHED.match(rest).groups()
        number = sum(STATES.get(letter, 0) for letter in state.rstrip("+")) + 256 * state.endswith("+")
        self.put(ns, cpu, tid, SWITCH, comm, int(pid), int(prio), number, then[0], int(then[1]), int(then[2]))
        self.running[cpu] = int(then[1])

    def woken(self, ns, cpu, tid, form, rest):
        comm, *numbers = WOKEN.match(rest).groups()
        self.put(ns, cpu, tid, form, comm, *map(int, numbers))

    def sched_waking(self, ns, cpu, tid, rest):
        self.woken(ns, cpu, tid, WAKING, rest)

    def sched_wakeup(self, ns, cpu, tid, rest):
        self.woken(ns, cpu, tid, WAKEUP, rest)

    def sched_migrate_task(self, ns, cpu, tid, rest):
        comm, *numbers = MOVED.match(rest).groups()
        self.put(ns, cpu, tid, MIGRATE, comm, *map(int, numbers))

    def hrtimer_expire_entry(self, ns, cpu, tid, rest):
        timer, function, now = FIRED.match(rest).groups()
        address = self.functions.setdefault(function, 0xffffffff81000000 + 0x100 * len(self.functions))
        self.put(ns, cpu, tid, EXPIRE, int(timer, 16), int(now), address)

    def hrtimer_expire_exit(self, ns, cpu, tid, rest):
        self.put(ns, cpu, tid, EXPIRED, int(rest.partition("=")[2], 16))

    def bytes(self):
        file = dat.File(self.machine, version=6)
        file.known = [SWITCH, WAKING, WAKEUP, MIGRATE, EXPIRE, EXPIRED, ENTRY, EXIT]
        file.kallsyms = "".join(f"{a:016x} t {name}\n" for name, a in self.functions.items()).encode()
        file.cmdlines = b"".join(b"%d CPU %d/KVM\n" % v for v in self.vcpus.items())
        return file.buffer(self.rings).bytes6()


def throttled_by_vmscope(recording):
    """Return: {tid: ns}, and whether the recording lacks events that nobody counted."""
    with tempfile.TemporaryDirectory() as directory:
        trace, vms = f"{directory}/host.dat", f"{directory}/x.vms"
        pathlib.Path(trace).write_bytes(recording.bytes())
        subprocess.run([VMSCOPE, "analyze", "-o", vms, trace], check=True, stdout=subprocess.DEVNULL, timeout=60)
        query = """SELECT v.host_tid AS tid, total(CASE WHEN s.state = 'throttled' THEN s.dur END) AS ns
                   FROM vcpu v JOIN vcpu_state s ON s.vcpu_id = v.id GROUP BY v.id"""
        done = subprocess.run([VMSCOPE, "query", "--format", "json", vms, query], check=True, timeout=60,
                              stdout=subprocess.PIPE)
        lost = subprocess.run([VMSCOPE, "query", "--format", "csv", vms, "SELECT name FROM diag"], check=True,
                              timeout=60, stdout=subprocess.PIPE, text=True).stdout
    return {row["tid"]: int(row["ns"]) for row in json.loads(done.stdout)}, bool({"contradiction", "event-doubtful"} & set(lost.split()))


# ---- tests

def record(percent, competitor):
    """Return: what the kernel and vmscope say of a thread under the quota, and whether events are missing."""
    cpu = max(os.sched_getaffinity(0))
    others, pids = [], []
    with tracing() as recorded, limited(percent) as group:
        try:
            others += [spin(cpu)] if competitor else []
            pids += [spin(cpu, group)]
            time.sleep(SECONDS)
            vcpu = pids.pop()
            end([vcpu])  # which it does when it may run again: the kernel's count is complete then
            kernel = group.throttled_ns()
        finally:
            end(pids + others)
        text = recorded()
    told, is_cut = throttled_by_vmscope(Recording(text, [vcpu]))
    return kernel, told.get(vcpu, 0), is_cut


def compare(percent, competitor):
    """A thread under the quota, and perhaps one without on the same CPU."""
    for _ in range(4):
        kernel, told, is_cut = record(percent, competitor)
        is_same = abs(told - kernel) <= WITHIN * kernel
        print(f"# {percent} %: {kernel / 1e6} ms, by vmscope {told / 1e6} ms")
        if is_same or not is_cut:
            break
    if kernel < PERIOD_US * 1000:
        raise tap.Skip("others left too little of the CPU to reach the quota")
    if is_cut and not is_same:
        raise tap.Skip("the kernel left switches out of each of four recordings, without a word")
    assert is_same, (kernel, told)


def test_a_tenth():
    compare(10, False)


def test_a_third():
    compare(30, False)


def test_half():
    compare(50, False)


def test_a_tenth_beside_another():
    compare(10, True)


def test_a_third_beside_another():
    compare(30, True)


tap.run(globals())
