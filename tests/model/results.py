"""A results file, read; and the laws of conservation that hold in every one."""
import collections
import pathlib
import subprocess
import tempfile

GUEST_WORK = ("user", "syscall", "irq", "softirq")


Span = collections.namedtuple("Span", "ts dur")


def value(text):
    """Numbers as numbers, nothing as None."""
    if not text:
        return None
    return int(text) if text.lstrip("-").isdigit() else text


class Results:
    """Every table as a list of named tuples, under its name."""

    def __init__(self, program, path):
        done = subprocess.run([program, str(path)], text=True, errors="replace",
                              stdout=subprocess.PIPE, check=True)
        for line in done.stdout.rstrip("\n").split("\n"):
            fields = line.split("\t")
            if fields[0] == "table":
                row = collections.namedtuple(fields[1], fields[2:])
                rows = []
                setattr(self, fields[1], rows)
            else:
                rows.append(row(*map(value, fields)))
        self.machines = {m.id: m for m in self.machine}
        self.threads = {t.id: t for t in self.thread}
        self.vcpus = {v.id: v for v in self.vcpu}

    @classmethod
    def of_analysis(cls, vmscope, rows, traces, *options):
        """The results of `vmscope analyze` of these traces."""
        with tempfile.TemporaryDirectory() as name:
            path = pathlib.Path(name) / "results.vms"
            subprocess.run([vmscope, "analyze", "-o", path, *options, *traces], check=True,
                           stdout=subprocess.DEVNULL)
            return cls(rows, path)

    def lanes(self, table):
        """The lanes of a table: key -> rows in order."""
        keys = 2 if table == "cpu_state" else 1
        found = collections.defaultdict(list)
        for row in getattr(self, table):
            found[row[:keys]].append(row)
        return found

    # ---- laws: each yields what breaks it

    def broken_partition(self):
        """Every lane fills the same span, without gap or overlap."""
        spans = set()
        for table in ("vcpu_state", "thread_state", "cpu_state"):
            for key, rows in self.lanes(table).items():
                spans.add((rows[0].ts, rows[-1].ts + rows[-1].dur))
                for a, b in zip(rows, rows[1:]):
                    if a.dur <= 0 or a.ts + a.dur != b.ts:
                        yield f"{table} {key}: {a}, {b}"
        if len(spans) > 1:
            yield f"lanes have different spans: {sorted(spans)[:3]}"

    def broken_guest_overlap(self):
        """On one CPU there is one guest at a time."""
        on = collections.defaultdict(list)
        for i in self.vcpu_state:
            if i.state == "guest":
                on[self.vcpus[i.vcpu_id].host_id, i.pcpu].append((i.ts, i.ts + i.dur, i.vcpu_id))
        for cpu, rows in on.items():
            rows.sort()
            for a, b in zip(rows, rows[1:]):
                if b[0] < a[1]:
                    yield f"CPU {cpu}: {a} and {b}"

    def broken_vm_time(self):
        """An outermost host's CPUs ran each vCPU for as long as it was in the guest, there."""
        guest, ran = collections.Counter(), collections.Counter()
        hosts = {m.id for m in self.machine if m.parent_id is None}
        by_thread = {(v.host_id, v.host_tid): v.id for v in self.vcpu}
        for i in self.vcpu_state:
            if i.state == "guest" and self.vcpus[i.vcpu_id].host_id in hosts:
                guest[i.vcpu_id, i.pcpu] += i.dur
        for c in self.cpu_state:
            if c.state == "vm" and c.machine_id in hosts:
                t = self.threads[c.thread_id]
                ran[by_thread[t.machine_id, t.tid], c.cpu] += c.dur
        for key in guest.keys() | ran.keys():
            if guest[key] != ran[key]:
                yield f"vCPU, CPU {key}: in guest for {guest[key]} ns, on the CPU for {ran[key]} ns"

    def broken_guest_time(self):
        """What a guest's threads did, its idle time and what is not known are its vCPUs' guest time."""
        lanes = self.lanes("thread_state")
        for m in self.machine:
            if m.trace_path and any(v.machine_id == m.id for v in self.vcpu):
                yield from self.broken_guest_time_of(m, lanes)

    def broken_guest_time_of(self, m, lanes):
        vcpus = [v for v in self.vcpu if v.machine_id == m.id]
        work = sum(i.dur for t in self.thread if t.machine_id == m.id
                   for i in lanes[t.id,] if i.state in GUEST_WORK)
        guest = other = 0
        for v in vcpus:
            own = [i for i in self.vcpu_state if i.vcpu_id == v.id and i.state == "guest"]
            guest += sum(i.dur for i in own)
            other += self.guest_time_without_work(v, own, lanes)
        if work + other != guest:
            yield (f"{m.name}: threads worked for {work} ns, {other} idle or unknown, "
                   f"{guest} in guest: {work + other - guest} too many")

    def guest_time_without_work(self, v, own, lanes):
        """Of a vCPU's guest time, what its CPU was idle or did nobody knows what."""
        cpu = [c for c in self.cpu_state if c[:2] == (v.machine_id, v.vcpu_index)]
        on = collections.defaultdict(list)
        idle = sum(i.dur for i in own)
        for i, c, begin, end in meet(own, cpu):
            if c.thread_id is not None and self.threads[c.thread_id].tid:
                idle -= end - begin
                on[c.thread_id].append(Span(begin, end - begin))
        return idle + sum(overlap(spans, [i for i in lanes[t,] if i.state == "unknown"])
                          for t, spans in on.items())

    def broken_exits(self):
        """The parts of an exit add up to it; exits of a vCPU follow each other."""
        for vcpu, rows in self.lanes("vm_exit").items():
            at = None
            for x in rows:
                if x.dur is None:
                    continue
                parts = x.handled_ns, x.userspace_ns, x.preempted_ns, x.blocked_ns
                # All of them, or none where the host's scheduler was not recorded.
                if parts.count(None) == len(parts):
                    parts = [x.dur]
                if None in parts or sum(parts) != x.dur or min(parts) < 0 or (at is not None and x.ts < at):
                    yield f"vCPU {vcpu}: {x}"
                at = x.ts + x.dur

    def broken_current(self):
        """A thread runs on the CPU that it is current on, and on no other."""
        by_thread = collections.defaultdict(list)
        for c in self.cpu_state:
            if c.thread_id is not None:
                by_thread[c.thread_id].append(c)
        for thread, rows in by_thread.items():
            rows.sort(key=lambda c: c.ts)
            if self.threads[thread].tid:
                for a, b in zip(rows, rows[1:]):
                    if b.ts < a.ts + a.dur:
                        yield f"thread {thread}: {a} and {b}"
        for thread, rows in self.lanes("thread_state").items():
            on = [i for i in rows if i.state in GUEST_WORK + ("stolen", "hypervisor")]
            for i in uncovered(on, by_thread[thread[0]]):
                yield f"thread {thread} is not current at {i}"

    def broken_cpu_time(self):
        """A thread of an outermost host is in user code for as long as the CPUs say so, and in interrupts."""
        hosts = {m.id for m in self.machine if m.parent_id is None and m.trace_path}
        by_cpu, by_thread = collections.Counter(), collections.Counter()
        for c in self.cpu_state:
            if c.machine_id in hosts and c.state in ("user", "irq", "softirq"):
                by_cpu[c.thread_id, c.state] += c.dur
        for i in self.thread_state:
            if self.threads[i.thread_id].machine_id in hosts:
                by_thread[i.thread_id, i.state] += i.dur
        for (thread, state), ns in by_cpu.items():
            if thread is not None and self.threads[thread].tid and by_thread[thread, state] != ns:
                yield (f"thread {self.threads[thread].tid}: {state} for {by_thread[thread, state]} ns, "
                       f"{ns} on CPUs")

    def broken_wakeups(self):
        """The stages of a wake-up come in their order."""
        for w in self.wakeup:
            stages = [x for x in (w.vcpu_wake_ns, w.vcpu_run_ns, w.entry_ns, w.run_ns)
                      if x is not None]
            if stages != sorted(stages) or (stages and stages[0] < 0):
                yield f"{w}"

    LAWS = (broken_partition, broken_guest_overlap, broken_vm_time, broken_guest_time,
            broken_exits, broken_current, broken_cpu_time, broken_wakeups)

    def broken(self):
        for law in self.LAWS:
            yield from law(self)


def meet(a, b):
    """Pairs of rows of two lanes that overlap, with the begin and end of the overlap."""
    k = 0
    for x in a:
        while k < len(b) and b[k].ts + b[k].dur <= x.ts:
            k += 1
        j = k
        while j < len(b) and b[j].ts < x.ts + x.dur:
            yield x, b[j], max(x.ts, b[j].ts), min(x.ts + x.dur, b[j].ts + b[j].dur)
            j += 1


def overlap(a, b):
    return sum(end - begin for _, _, begin, end in meet(a, b))


def uncovered(rows, cover):
    """Rows that lie not wholly in rows of `cover` on the same CPU."""
    found = collections.Counter()
    for x, c, begin, end in meet(rows, cover):
        if x.cpu == c.cpu:
            found[x.ts] += end - begin
    return [x for x in rows if found[x.ts] != x.dur]
