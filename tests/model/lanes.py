"""What the lanes program (lanes.c) prints, read; and the laws that hold for every analysis."""
import collections
import subprocess

Interval = collections.namedtuple("Interval", "begin end state reason userspace cpu occupant")
Exit = collections.namedtuple(
    "Exit", "begin end early reason handled userspace preempted blocked")
Machine = collections.namedtuple("Machine", "name role vm")
Clock = collections.namedtuple("Clock", "method offset drift error")
Vm = collections.namedtuple("Vm", "name host guest pid vm_uid")
Vcpu = collections.namedtuple("Vcpu", "vm index tid entries exits")

STATES = ("unknown", "guest", "hypervisor", "userspace", "preempted", "waiting", "halted", "blocked",
          "polling", "throttled", "absent")


class Tap:
    def __init__(self):
        self.n = self.failed = 0

    def result(self, failures, name):
        """failures: what was wrong, a line each; none: good."""
        failures = list(failures)
        self.n += 1
        self.failed += bool(failures)
        print(f"{'not ok' if failures else 'ok'} {self.n} - {name}")
        for line in failures[:8]:
            print(f"# {line}")

    def end(self):
        print(f"1..{self.n}")
        return 1 if self.failed else 0


def number(text):
    return int(text) if text else None


class Lanes:
    """An analysis of these traces."""

    def __init__(self, program, *traces):
        done = subprocess.run([program, *map(str, traces)], text=True, stdout=subprocess.PIPE,
                              check=True)
        self.intervals = collections.defaultdict(list)
        self.exits = collections.defaultdict(list)
        self.machines, self.clocks, self.vms, self.vcpus = [], [], [], []
        for line in done.stdout.splitlines():
            kind, *rest = line.split(",")
            getattr(self, "read_" + kind)(rest)
        self.totals = [self.total(v) for v in range(len(self.vcpus))]

    def read_span(self, row):
        self.begin, self.end = map(int, row)

    def read_machine(self, row):
        self.machines.append(Machine(row[1], row[2], number(row[3])))

    def read_clock(self, row):
        self.clocks.append(Clock(row[1], int(row[2]), float(row[3]), int(row[4])))

    def read_vm(self, row):
        self.vms.append(Vm(row[1], *map(number, row[2:])))

    def read_vcpu(self, row):
        self.vcpus.append(Vcpu(*map(number, row[1:])))

    def read_interval(self, row):
        self.intervals[int(row[0])].append(
            Interval(int(row[1]), int(row[2]), row[3], *map(number, row[4:])))

    def read_exit(self, row):
        self.exits[int(row[0])].append(Exit(*map(number, row[1:])))

    def read_contradictions(self, row):
        self.contradictions = int(row[0])

    def total(self, vcpu):
        sums = dict.fromkeys(STATES, 0)
        for i in self.intervals[vcpu]:
            sums[i.state] += i.end - i.begin
        return sums

    def name(self, vcpu):
        v = self.vcpus[vcpu]
        return f"vCPU {v.index} of {self.vms[v.vm].name}"

    # ---- laws: each yields what breaks it

    def broken_partition(self):
        """The states of a vCPU fill the span without gap or overlap."""
        for v in range(len(self.vcpus)):
            at = self.begin
            for i in self.intervals[v]:
                if i.begin != at or i.end <= i.begin:
                    yield f"{self.name(v)}: {i} does not begin at {at}"
                at = i.end
            if at != self.end:
                yield f"{self.name(v)} ends at {at}, not at {self.end}"

    def broken_overlap(self):
        """On one CPU of a host there is one guest at a time."""
        guests = collections.defaultdict(list)
        for v, vcpu in enumerate(self.vcpus):
            for i in self.intervals[v]:
                if i.state == "guest":
                    guests[self.vms[vcpu.vm].host, i.cpu].append((i.begin, i.end, v))
        for where, rows in guests.items():
            rows.sort()
            for (_, end, v), (begin, _, w) in zip(rows, rows[1:]):
                if begin < end:
                    yield f"CPU {where}: {self.name(v)} until {end}, {self.name(w)} from {begin}"

    def broken_sums(self):
        """An exit's parts add up to it."""
        for v in range(len(self.vcpus)):
            for x in self.exits[v]:
                parts = x.handled + x.userspace + x.preempted + x.blocked
                if x.end is not None and (parts != x.end - x.begin or min(x[4:]) < 0):
                    yield f"{self.name(v)}: {x}"

    def broken_order(self):
        """Exits follow each other, and every one lies out of the guest."""
        for v, exits in self.exits.items():
            at = self.begin
            for x in exits:
                if x.begin < at or x.early < 0:
                    yield f"{self.name(v)}: {x} begins before {at}"
                at = x.begin if x.end is None else x.end

    def broken(self):
        for law in (self.broken_partition, self.broken_overlap, self.broken_sums,
                    self.broken_order):
            yield from law()
