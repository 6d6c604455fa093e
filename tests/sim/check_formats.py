#!/usr/bin/env python3
"""Checks that a simulation says the same in every format, as others read it.

usage: check_formats.py SIM [OPTION...]

Runs the simulator SIM with these options for CTF (without losses), trace.dat and perf.data, in a directory that is
removed afterwards. babeltrace2, `trace-cmd report` and `perf script`, as far as they are there, must read the same events:
number, order, time, CPU, thread and fields, but for what a format does not record. What is missing must be as much as
the recording and the truth say that it is. With --trace-compress a compressed recording must hold what a plain one does.

Every failure is said, ten of a kind; exit status 1 if there is any.
"""

import collections
import csv
import os
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import zlib

import bt2

from check_truth import Checker as Truth, same

Event = collections.namedtuple("Event", "raw ns cpu name fields")
Read = collections.namedtuple("Read", "time cpu name tid pid comm fields")  # pid, comm None: not said
Lost = collections.namedtuple("Lost", "cpu count")  # count None: not said
SECOND = 1000000000


def without(options, *names):
    """The options but these, each of which has a value."""
    left = list(options)
    for name in names:
        if name in left:
            del left[left.index(name):left.index(name) + 2]
    return left


def output_of(*command):
    done = subprocess.run(command, text=True, check=True, capture_output=True)
    assert "out of order" not in done.stderr, done.stderr
    return done.stdout


def nanoseconds(text):
    """A time as it is shown: seconds with nine places, or a bare number."""
    seconds, point, rest = text.partition(".")
    return int(seconds) * SECOND + int(rest) if point else int(seconds)


# ---- CTF, in the kernel's words

PREFIXES = (("kvm_x86_", "kvm_"), ("timer_", ""), ("irq_softirq_", "softirq_"),
            ("x86_irq_vectors_", ""), ("power_", ""))
# The kernel's numbers of system calls, and what LTTng calls their arguments if it records them at the entry.
SYSCALLS = {
    "read": (0, ("fd", None, "count")), "write": (1, ("fd", "buf", "count")),
    "ioctl": (16, ("fd", "cmd", "arg")), "pread64": (17, ("fd", None, "count", "pos")),
    "recvfrom": (45, ("fd", None, "size", "flags", None, "addr_len")),
    "clone": (56, ("flags", "newsp", "parent_tid", "child_tid")),
    "execve": (59, (None, "argv", "envp")), "wait4": (61, ("upid", None, "options")),
    "futex": (202, ("uaddr", "op", "val", "utime", "uaddr2", "val3")),
    "clock_nanosleep": (230, ("which_clock", "flags", "rqtp")),
    "exit_group": (231, ("error_code",))}
RENAMED = {"tid": "pid", "prev_tid": "prev_pid", "next_tid": "next_pid", "parent_tid": "parent_pid",
           "child_tid": "child_pid", "old_tid": "old_pid"}
PRIORITIES = ("prio", "prev_prio", "next_prio")
# What LTTng has and the kernel has not, or tells otherwise.
ONLY_LTTNG = {
    "sched_process_fork": ("parent_pid", "child_pid", "parent_ns_inum", "child_ns_inum",
                           "_vtids_length"),
    "kvm_apic_accept_irq": ("coalesced",), "kvm_mmio": ("_val_length",)}


def kernel_name(name):
    """Return: None for what only LTTng can record."""
    if name.startswith(("lttng_", "vmsync_")):
        return None
    if name.startswith("syscall_"):
        return "sys_enter" if name.startswith("syscall_entry_") else "sys_exit"
    for prefix, instead in PREFIXES:
        if name.startswith(prefix):
            return instead + name[len(prefix):]
    return name


def value_in(payload, key):
    """An integer, a text, or None for other arrays. bt2 gives a thread's name as characters."""
    value = payload[key]
    if isinstance(value, bt2._StringFieldConst):
        return str(value)
    if not isinstance(value, bt2._ArrayFieldConst):
        return int(value)
    if key.endswith("comm"):
        return bytes(int(x) & 255 for x in value).split(b"\0")[0].decode()
    return None


def syscall_fields(name, fields):
    call = name.split("_", 2)[2]
    number, args = SYSCALLS[call]
    if name.startswith("syscall_exit_"):
        return {"id": number, "ret": fields["ret"]}
    return {"id": number} | {f"args{i}": fields[a] for i, a in enumerate(args) if a}


def kernel_fields(event, name):
    fields = {key: value_in(event.payload_field, key) for key in event.payload_field}
    if event.name.startswith("syscall_"):
        return syscall_fields(event.name, fields)
    return {RENAMED.get(k, k): v + 100 if k in PRIORITIES else v for k, v in fields.items()
            if k not in ONLY_LTTNG.get(name, ()) and v is not None}


def read_ctf(directory):
    for msg in bt2.TraceCollectionMessageIterator(directory):
        if type(msg) is bt2._EventMessageConst and (name := kernel_name(msg.event.name)):
            time = msg.default_clock_snapshot
            yield Event(time.value, time.ns_from_origin,
                        int(msg.event.packet.context_field["cpu_id"]), name,
                        kernel_fields(msg.event, name))


# ---- trace.dat and perf.data, as their own programs show them

FIELD = re.compile(r"(\w+)=(.*?)(?= \w+=|$)")
TRACE_CMD = re.compile(r"(?:\w+:)?\s+.+-(\d+)\s+\[(\d+)\]\s*([\d.]+):\s+(\w+):\s*(.*)")
TRACE_CMD_LOST = re.compile(r"(?:\w+:)?\s*CPU:(\d+) \[(?:(\d+) )?EVENTS DROPPED\]")
PERF = re.compile(r"\s*(.*?)\s+(\d+)/(\d+)\s+\[(\d+)\]\s+([\d.]+):\s+(?:\w+:)?(\w+):? ?(.*)")
PERF_COMM, PERF_EXIT, PERF_FORK, PERF_SAMPLE = 3, 4, 7, 9  # types of records
PERF_KERNEL, PERF_GUEST_KERNEL = 1, 4  # what they say in `misc`
PERF_CLOCK_DATA = 29  # a feature


def fields_of(text):
    """Arguments of system calls stand with commas between them."""
    fields = dict(FIELD.findall(text))
    for i, arg in enumerate(fields.pop("args", "").split(",")):
        fields[f"args{i}"] = arg
    return fields


def read_trace_dat(path):
    """Without its plugins trace-cmd shows the fields by the formats in the file."""
    for line in output_of("trace-cmd", "report", "-t", "-N", "-i", path).splitlines():
        if lost := TRACE_CMD_LOST.match(line):
            yield Lost(int(lost[1]), int(lost[2]) if lost[2] else None)
        elif m := TRACE_CMD.fullmatch(line):
            yield Read(nanoseconds(m[3]), int(m[2]), m[4], int(m[1]), None, None, fields_of(m[5]))


def perf_script(path):
    return output_of("perf", "script", "-f", "--show-lost-events", "--ns", "-F",
                     "comm,pid,tid,cpu,time,event,trace", "-i", path)


def read_perf_data(path):
    for line in perf_script(path).splitlines():
        if not (m := PERF.fullmatch(line)):
            continue
        if m[6] == "PERF_RECORD_LOST":
            yield Lost(int(m[4]), int(m[7].split()[-1]))
        else:
            yield Read(nanoseconds(m[5]), int(m[4]), m[6], int(m[3]), int(m[2]), m[1], fields_of(m[7]))


class PerfData:
    """As much of a perf.data as perf does not show."""

    def __init__(self, path):
        with open(path, "rb") as f:
            self.data = bytearray(f.read())
        self.begin, self.size = struct.unpack_from("<QQ", self.data, 40)

    def feature(self, wanted):
        bits, = struct.unpack_from("<Q", self.data, 72)
        at = self.begin + self.size
        for bit in range(64):
            if bits >> bit & 1:
                offset, size = struct.unpack_from("<QQ", self.data, at)
                if bit == wanted:
                    return bytes(self.data[offset:offset + size])
                at += 16
        return None

    def wall_clock(self):
        """Return: what is to be added to times to get ns since the Epoch, 0 if that is not said."""
        clock = self.feature(PERF_CLOCK_DATA)
        if not clock:
            return 0
        _, _, wall, time = struct.unpack("<IIQQ", clock)
        return wall - time

    def records(self):
        """Of each its type, misc and where it is."""
        at = self.begin
        while at < self.begin + self.size:
            kind, misc, size = struct.unpack_from("<IHH", self.data, at)
            yield kind, misc, at
            at += size

    def tasks(self):
        """How many records tell of threads, by type, but for those of threads that were there before."""
        return collections.Counter(kind for kind, _, at in self.records()
                                   if (kind in (PERF_FORK, PERF_EXIT) and any(self.data[at + 24:at + 32]))
                                   or (kind == PERF_COMM and any(self.data[at + 32:at + 48])))

    def unmark_guest(self):
        """perf script leaves out samples that are marked as the guest's: now they are the host's. Return: their number."""
        n = 0
        for kind, misc, at in self.records():
            if kind == PERF_SAMPLE and misc == PERF_GUEST_KERNEL:
                struct.pack_into("<H", self.data, at + 4, PERF_KERNEL)
                n += 1
        return n


# ---- compression


def ring_buffers(path):
    """What the CPUs of a trace.dat recorded, decompressed if it is zlib's, which Debian's trace-cmd cannot read."""
    with open(path, "rb") as f:
        data = f.read()
    compression, _, rest = data[18:].split(b"\0", 2)
    at, = struct.unpack_from("<Q", rest)
    while at:
        end = at + 16 + struct.unpack_from("<Q", data, at + 8)[0]
        at += 16
        while at < end:
            option, size = struct.unpack_from("<HI", data, at)
            at += 6
            if option == 3:
                yield from instance_buffers(data, data[at:at + size], compression == b"zlib")
            at += size
        at, = struct.unpack_from("<Q", data, at - 8)


def instance_buffers(data, option, compressed):
    _, _, cpus = option[8:].split(b"\0", 2)
    for i in range(struct.unpack_from("<II", cpus)[1]):
        cpu, at, size = struct.unpack_from("<IQQ", cpus, 8 + i * 20)
        if not compressed:
            yield cpu, data[at:at + size]
            continue
        parts, chunk = [], at + 4
        for _ in range(struct.unpack_from("<I", data, at)[0]):
            packed, whole = struct.unpack_from("<II", data, chunk)
            parts.append(zlib.decompress(data[chunk + 8:chunk + 8 + packed]))
            assert len(parts[-1]) == whole
            chunk += 8 + packed
        yield cpu, b"".join(parts)


# ---- comparison


def equal(value, text):
    """Numbers are shown with the sign of the field that they are in, which need not be LTTng's."""
    if isinstance(value, str):
        return value == text
    difference = value - int(text, 0)
    return difference in (0, 1 << 32, -1 << 32, 1 << 64, -1 << 64)


class Checker:
    def __init__(self, sim, options, parent):
        self.sim, self.options, self.parent = sim, options, parent
        self.lossy = any(o.startswith("--lost-") for o in options)
        self.compression = options[options.index("--trace-compress") + 1] \
            if "--trace-compress" in options else None
        self.failures, self.n = collections.Counter(), collections.Counter()

    def fail(self, kind, text):
        self.failures[kind] += 1
        if self.failures[kind] <= 10:
            print(f"{kind}: {text}", file=sys.stderr)

    def run(self, form, options, name):
        directory = os.path.join(self.parent, name)
        subprocess.run([self.sim, *options, "--format", form, directory], check=True)
        return directory

    def check(self):
        options = without(self.options, "--lost-events", "--lost-packets", "--trace-compress")
        # Between channels nobody knows the order of what happens in the same ns.
        ctf = self.run("ctf", [o for o in options if o != "--channels"], "ctf")
        traces = {m: list(read_ctf(os.path.join(ctf, m)))
                  for m in sorted(os.listdir(ctf)) if m != "truth"}
        for form, program in (("trace.dat", "trace-cmd"), ("perf.data", "perf")):
            if shutil.which(program):
                self.check_format(form, traces)
            else:
                print(f"there is no {program}: {form} is not checked")
        return sum(self.failures.values())

    def check_format(self, form, traces):
        # With the agent trace-cmd shows guests on the host's clock.
        options = [o for o in without(self.options, "--trace-compress") if o != "--agent"]
        directory = self.run(form, options, form)
        if not same(directory, self.run(form, options, form + "-again")):
            self.fail("seed", f"{form}: a second run is different")
        for machine, events in traces.items():
            Recording(self, directory, form, machine).check(events)
        if form == "trace.dat" and "--agent" in self.options:
            self.check_agent(self.run(form, self.options, form + "-agent"), traces)
        if self.compression:
            packed = self.run(form, self.options, form + "-packed")
            for machine in traces:
                self.check_compressed(form, directory, packed, machine)

    def check_agent(self, directory, traces):
        """What trace-cmd shows of guests beside their host is on the host's clock. It does not interpolate: without drift."""
        truth = Truth(directory)
        origin = {r["machine"]: int(r["origin"]) for r in truth.rows("origin")}["host"]
        files = [x for m in traces for x in ("-i", os.path.join(directory, m + ".dat"))]
        shown = collections.defaultdict(list)
        for line in output_of("trace-cmd", "report", "-t", *files).splitlines():
            if m := re.match(r"\s*(\w+)\.dat: .* \[\d+\]\s*([\d.]+): ", line):
                shown[m[1]].append(nanoseconds(m[2]) + origin)
        for machine, events in traces.items():
            true = [truth.reference(machine, e.ns) for e in events]
            wrong = sum(abs(a - b) > 3 for a, b in zip(shown[machine], true))
            if wrong or len(true) != len(shown[machine]):
                self.fail("agent", f"{directory}: {machine}: {wrong} of {len(true)} times are wrong")

    def check_compressed(self, form, plain, packed, machine):
        name = machine + (".dat" if form == "trace.dat" else ".perf.data")
        content = perf_script if form == "perf.data" else \
            lambda path: list(ring_buffers(path)) if self.compression == "zlib" else \
            list(read_trace_dat(path))
        a, b = os.path.join(plain, name), os.path.join(packed, name)
        if content(a) != content(b):
            self.fail("compression", f"{packed}: {name} holds something else")
        if self.compression == "zstd" and os.path.getsize(b) > os.path.getsize(a) / 2:
            self.fail("compression", f"{packed}: {name} is not compressed")


class Recording:
    """One machine's, in trace.dat or perf.data."""

    def __init__(self, checker, directory, form, machine):
        self.checker, self.directory, self.form, self.machine = checker, directory, form, machine
        self.fail, self.options = checker.fail, checker.options
        suffix = ".dat" if form == "trace.dat" else ".perf.data"
        self.path = os.path.join(directory, machine + suffix)
        self.pids = {int(r["tid"]): int(r["pid"]) for r in self.rows("threads")}
        self.comms = collections.defaultdict(set)
        for r in self.rows("threads"):
            self.comms[int(r["tid"])].add(r["comm"])
        self.written, = (int(r["value"]) for r in self.rows("sim", "key"))
        self.origin, = (int(r["origin"]) for r in self.rows("origin"))
        self.instances = form == "trace.dat" and "--channels" in self.options
        self.missing, self.told = collections.Counter(), collections.Counter()
        self.untold, self.current = set(), {}

    def rows(self, name, key="machine"):
        with open(os.path.join(self.directory, "truth", name + ".csv"), newline="") as f:
            return [r for r in csv.DictReader(f) if r[key] == self.machine]

    def lane(self, event):
        """What is in order: a CPU, in an instance."""
        return event.cpu, self.instances and event.name.startswith("kvm_")

    def clock(self):
        """Return: what this recording makes of a raw time, and what it makes ns of."""
        freq = [int(r["freq"]) for r in self.rows("tsc")]
        if not freq:
            return lambda raw: raw, lambda time: time
        if self.form == "perf.data":
            return lambda raw: raw * SECOND // freq[0], lambda time: time
        if "--no-tsc2nsec" in self.options:
            return lambda raw: raw, lambda time: time * SECOND // freq[0]
        return lambda raw: raw * ((SECOND << 31) // freq[0]) >> 31, lambda time: time

    def check(self, events):
        shown, ns = self.clock()
        if self.form == "perf.data":
            reads = self.read_perf(events)
        else:
            reads = list(read_trace_dat(self.path))
        self.check_origin(events, lambda raw: ns(shown(raw)))
        self.check_events(events, reads, shown)
        self.check_losses()

    def read_perf(self, events):
        data, copy = PerfData(self.path), os.path.join(self.directory, "copy")
        self.origin += data.wall_clock()
        marked = data.unmark_guest()
        with open(copy, "wb") as f:
            f.write(data.data)
        reads = list(read_perf_data(copy))
        os.unlink(copy)
        self.check_tasks(data.tasks(), reads)
        expected = self.early(events)
        if marked != expected and not self.checker.lossy:
            self.fail("guest-mode", f"{self.path}: {marked} samples, {expected} expected")
        return reads

    def check_tasks(self, told, reads):
        """Beside an event that tells of a thread stands a record that does."""
        events = collections.Counter(r.name for r in reads if isinstance(r, Read))
        named = sum(r.name == "sched_process_fork" and
                    r.fields["parent_comm"] != r.fields["child_comm"] for r in reads
                    if isinstance(r, Read))
        expected = {PERF_FORK: events["sched_process_fork"], PERF_EXIT: events["sched_process_exit"],
                    PERF_COMM: events["sched_process_exec"] + named}
        if told != collections.Counter(expected):
            self.fail("tasks", f"{self.path}: records {told}, {expected} expected")

    def early(self, events):
        """On SVM interrupts between the true exit and kvm_exit count as the guest's. Return: how many events they have."""
        n, entered, first = 0, {}, collections.Counter()
        for e in events:
            if e.name in ("kvm_entry", "kvm_exit"):
                if e.cpu not in entered and e.name == "kvm_exit":
                    n += first[e.cpu]  # it was in the guest when the recording began
                entered[e.cpu] = e.name == "kvm_entry"
            elif not e.name.startswith("kvm_"):
                n += entered.get(e.cpu, False)
                first[e.cpu] += 1
        return n

    def check_origin(self, events, ns):
        """trace.dat's own idea of how fast a TSC is is good for some ns."""
        for e in events[::97]:
            if abs(ns(e.raw) + self.origin - e.ns) > 3:
                self.fail("origin", f"{self.path}: {e.raw} is {ns(e.raw) + self.origin}, not {e.ns}")

    def check_events(self, events, reads, shown):
        """What is read must be in the CTF trace in this order; what is there between is missing."""
        lanes, at, n = collections.defaultdict(list), collections.Counter(), 0
        for e in events:
            lanes[self.lane(e)].append(e)
        for read in reads:
            if isinstance(read, Lost):
                self.count_lost(read)
                continue
            n += 1
            key = self.lane(read)
            event = self.find(lanes[key], at, key, (read.time, read.name), shown)
            if not event:
                self.fail("event", f"{self.path}: {read} is not in the CTF trace, or not there")
                return
            self.check_fields(event, read)
            self.check_thread(read)
        for key, lane in lanes.items():
            self.missing[key[0]] += sum(map(self.records, lane[at[key]:]))
        self.checker.n[self.form] += n
        if n != self.written:
            self.fail("count", f"{self.path}: {n} read, {self.written} written")

    def find(self, lane, at, key, wanted, shown):
        while at[key] < len(lane):
            e = lane[at[key]]
            at[key] += 1
            if (shown(e.raw), e.name) == wanted:
                return e
            self.missing[key[0]] += self.records(e)
        return None

    def records(self, event):
        """What is lost with an event: perf would also have told of a thread."""
        if self.form != "perf.data":
            return 1
        if event.name == "sched_process_fork":
            named = event.fields["child_comm"] != event.fields["parent_comm"]
            return 2 + named + ("--containers" in self.options)
        return 1 + (event.name in ("sched_process_exec", "sched_process_exit"))

    def check_fields(self, event, read):
        fields = dict(read.fields)
        if event.name == "kvm_inj_virq":
            fields.setdefault("irq", fields.get("vector"))
        for key, value in event.fields.items():
            if (event.name, key) == ("kvm_entry", "vcpu_id") and "--stock-probe" in self.options:
                continue
            if "--old-names" in self.options and (event.name, key) in (
                    ("kvm_exit", "intr_info"), ("kvm_exit", "error_code")):
                continue
            if fields.get(key) is None or not equal(value, fields[key]):
                self.fail("field", f"{self.path}: {read}, not {key}={value}")

    def check_thread(self, read):
        tid = self.current.get(read.cpu)
        if tid not in (None, read.tid) and not self.checker.lossy:
            self.fail("thread", f"{self.path}: {read}, while {tid} is there")
        if read.comm is not None and read.tid and not self.checker.lossy and \
                read.comm not in self.comms[read.tid]:
            self.fail("name", f"{self.path}: {read}, not {self.comms[read.tid]}")
        if read.pid is not None and read.pid != self.pids.get(read.tid, 0):
            self.fail("process", f"{self.path}: {read}, not of {self.pids.get(read.tid, 0)}")
        if read.name == "sched_switch":
            self.current[read.cpu] = int(read.fields["next_pid"])

    def count_lost(self, lost):
        if lost.count is None:
            self.untold.add(lost.cpu)
        else:
            self.told[lost.cpu] += lost.count

    def check_losses(self):
        truth = collections.Counter()
        for r in self.rows("lost"):
            truth[int(r["cpu"])] += int(r["count"])
        for cpu in self.missing.keys() | truth.keys() | self.told.keys():
            told_all = self.told[cpu] == truth[cpu] or cpu in self.untold
            if self.missing[cpu] != truth[cpu] or not told_all:
                self.fail("losses", f"{self.path} CPU {cpu}: {self.missing[cpu]} missing, "
                          f"{truth[cpu]} in truth, {self.told[cpu]} said")
        if self.checker.lossy and self.machine == "host" and not sum(truth.values()):
            self.fail("losses", f"{self.path}: there are none")


def main():
    with tempfile.TemporaryDirectory(prefix="vmscope-sim-") as parent:
        checker = Checker(sys.argv[1], sys.argv[2:], parent)
        failures = checker.check()
        print(f"{dict(checker.n)} events, {failures} failures: {' '.join(sys.argv[2:])}")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
