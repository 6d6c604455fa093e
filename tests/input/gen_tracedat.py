#!/usr/bin/python3
"""gen_tracedat OUT: writes trace.dat files such as no recording at hand has.

Beside each NAME.dat stands NAME.expected: what test_tracedat is to find in it. That is what was put in here,
never what a reader said. tests/input/gen_tracedat.py --corpus OUT writes small ones for fuzz/corpus/tracedat.
"""
import pathlib
import struct
import subprocess
import sys
import zlib

LOST_TO_END = (1 << 63) - 1
NS = 10**9


class Machine:
    """Byte order, sizes, and the events that it knows."""

    def __init__(self, big=False, long_size=8, page=4096, subbuf=None):
        self.order = ">" if big else "<"
        self.big = big
        self.long_size = long_size
        self.page = page
        self.subbuf = subbuf or page
        self.head = 8 + long_size

    def pack(self, fmt, *values):
        return struct.pack(self.order + fmt, *values)

    def long(self, value):
        return self.pack("Q" if self.long_size == 8 else "I", value)


class Format:
    """An event: its fields as (declaration, name, struct letter, array size)."""

    def __init__(self, number, system, name, fields):
        self.number, self.system, self.name, self.fields = number, system, name, fields

    def text(self, m):
        lines = [f"name: {self.name}", f"ID: {self.number}", "format:",
                 "\tfield:unsigned short common_type;\toffset:0;\tsize:2;\tsigned:0;",
                 "\tfield:unsigned char common_flags;\toffset:2;\tsize:1;\tsigned:0;",
                 "\tfield:unsigned char common_preempt_count;\toffset:3;\tsize:1;\tsigned:0;",
                 "\tfield:int common_pid;\toffset:4;\tsize:4;\tsigned:1;", ""]
        at = 8
        for declaration, name, letter, n in self.fields:
            size = struct.calcsize("<" + letter)
            at += -at % size
            array = f"[{n}]" if n > 1 else ""
            lines.append(f"\tfield:{declaration} {name}{array};\toffset:{at};\tsize:{size * n};"
                         f"\tsigned:{int(letter.islower())};")
            at += size * n
        lines += ["", f'print fmt: "field:int trap;", REC->{self.name}', ""]
        return "\n".join(lines).encode()

    def record(self, m, pid, values):
        out = m.pack("HBBi", self.number, 1, 2, pid)
        for (_, name, letter, n), value in zip(self.fields, values):
            size = struct.calcsize("<" + letter)
            out += bytes(-len(out) % size)
            if letter == "s":
                out += value.encode().ljust(n, b"\0")
            elif n > 1:
                out += m.pack(f"{n}{letter}", *value)
            else:
                out += m.pack(letter, value)
        return out + bytes(-len(out) % 4)

    def shown(self, values):
        parts = []
        for (_, name, letter, n), value in zip(self.fields, values):
            if letter == "s":
                parts.append(f"{name}='{value}'")
            elif n > 1:
                parts.append(f"{name}=[{','.join(map(str, value))}]")
            else:
                parts.append(f"{name}={int(value)}")
        return "".join(" " + p for p in parts)


TICK = Format(20, "test", "tick", [("unsigned int", "n", "I", 1)])
WIDE = Format(21, "test", "wide", [("u64", "big", "Q", 1), ("short", "low", "h", 1),
                                   ("u16", "few", "H", 3), ("char", "comm", "s", 16)])
BLOB = Format(22, "test", "blob", [("u32", "words", "I", 64)])
ENTRY = Format(30, "kvm", "kvm_entry", [("unsigned int", "vcpu_id", "I", 1)])
EXIT = Format(31, "kvm", "kvm_exit", [("unsigned int", "exit_reason", "I", 1),
                                      ("unsigned int", "vcpu_id", "I", 1)])
EXPIRE = Format(40, "timer", "hrtimer_expire_entry", [("s64", "now", "q", 1)])
EXPIRED = Format(41, "timer", "hrtimer_expire_exit", [("u64", "hrtimer", "Q", 1)])
WAKEUP = Format(42, "kvm", "kvm_vcpu_wakeup", [("__u64", "ns", "Q", 1), ("bool", "waited", "B", 1)])
WOKEN = Format(52, "sched", "sched_wakeup", [("char", "comm", "s", 16), ("pid_t", "pid", "i", 1)])
CANCEL = Format(43, "timer", "hrtimer_cancel", [("u64", "hrtimer", "Q", 1)])
RUNTIME = Format(50, "sched", "sched_stat_runtime", [("char", "comm", "s", 16), ("pid_t", "pid", "i", 1),
                                                     ("u64", "runtime", "Q", 1)])
SWITCH = Format(51, "sched", "sched_switch", [("pid_t", "prev_pid", "i", 1), ("long", "prev_state", "q", 1),
                                              ("pid_t", "next_pid", "i", 1)])
UNTOLD = Format(99, "test", "untold", [("unsigned int", "n", "I", 1)])
KNOWN = [TICK, WIDE, BLOB, ENTRY, EXIT, EXPIRE, EXPIRED, WAKEUP, CANCEL, RUNTIME, SWITCH, WOKEN]


class Ring:
    """The ring buffer of one CPU, as it is filled; `expected` is what is to be found in it."""

    def __init__(self, m, to_ns=lambda t: t):
        self.m, self.to_ns = m, to_ns
        self.pages, self.expected = [], []
        self.data, self.begin, self.now = b"", None, 0
        self.last = None
        self.missed = None
        self.pending = False

    # ---- sub-buffers

    def close(self, length=None, stamp=None):
        """Ends the sub-buffer. length, stamp: what its head says, if not what is so."""
        if self.begin is None:
            return
        m = self.m
        size = len(self.data) if length is None else length
        flags = 0
        tail = b""
        if self.missed is not None:
            flags = 1 << 31 | (1 << 30 if self.missed else 0)
            tail = m.long(self.missed) if self.missed else b""
        page = m.pack("Q", self.begin if stamp is None else stamp) + m.long(size | flags) + self.data + tail
        assert len(page) <= m.subbuf, len(page)
        self.pages.append(page + bytes(m.subbuf - len(page)))
        self.data, self.begin, self.missed = b"", None, None

    def room(self):
        return self.m.subbuf - self.m.head - len(self.data) - (self.m.long_size if self.missed else 0)

    def word(self, kind, delta):
        return self.m.pack("I", kind << 27 | delta if self.m.big else delta << 5 | kind)

    def start(self, t):
        if self.begin is None:
            self.begin = self.now = t
            if self.pending:
                self.lost_here(t)

    # ---- what happens

    def lost_here(self, t):
        count, self.pending = self.pending - 1, False
        since = self.last if self.last is not None else t
        self.expected.append(f"L {self.to_ns(since)} {self.to_ns(t)} {count}")

    def gap(self, count=0):
        """Something is missing before the next event that has nothing to do with what the kernel counted."""
        self.pending = 1 + count

    def lose(self, count=0):
        """The kernel lost events: they are told of in the next sub-buffer."""
        self.close()
        self.missed = count
        self.pending = 1 + count

    def advance(self, t, how):
        """Return: the delta to put in the event."""
        delta = t - self.now
        if how == "stamp":
            low = t & ((1 << 59) - 1)
            self.data += self.word(31, low & ((1 << 27) - 1)) + self.m.pack("I", low >> 27)
            delta = 0
        elif delta >= 1 << 27 or how == "extend":
            self.data += self.word(30, delta & ((1 << 27) - 1)) + self.m.pack("I", delta >> 27)
            delta = 0
        self.now = t
        return delta

    def put(self, delta, record, how):
        words = len(record) // 4
        if words > 28 or how == "long":
            self.data += self.word(0, delta) + self.m.pack("I", len(record) + 4) + record
        else:
            self.data += self.word(words, delta) + record

    def event(self, t, fmt, *values, pid=7, how=""):
        record = fmt.record(self.m, pid, values)
        words = 4 if not how and t - self.now < 1 << 27 and len(record) <= 112 else 16
        if self.begin is not None and self.room() < words + len(record):
            self.close()
        self.start(t)
        self.put(self.advance(t, how), record, how)
        self.last = t
        name, shown = fmt.name, f" common_pid={pid}" + fmt.shown(values)
        if fmt is UNTOLD:
            name, shown = "(unknown)", ""
        self.expected.append(f"E {self.to_ns(t)} {name}{shown}")

    def discard(self, t, size=12, delta_one=False):
        """An event that was taken back. One that had no delta was given one of 1, which means nothing."""
        self.start(t)
        delta = 1 if delta_one else self.advance(t, "")
        self.data += self.word(29, delta) + self.m.pack("I", size) + bytes(size - 4)

    def pad(self):
        """The rest of the sub-buffer is padding, and counts as its content."""
        self.data += self.word(29, 0)
        self.data += b"\xcc" * (self.room())
        self.close()

    def zeros(self, n=64):
        self.data += bytes(n)
        self.close()
        self.gap()

    def end_lost(self):
        self.expected.append(f"L {self.to_ns(self.last)} {LOST_TO_END} 0")

    def bytes(self):
        self.close()
        return b"".join(self.pages)


def ticks(ring, n, start=1000, step=1000, fmt=TICK):
    for i in range(n):
        ring.event(start + i * step, fmt, i)
    return ring


class File:
    """A trace.dat; clocks and lines of the expectation that are not events' are given by the caller."""

    def __init__(self, m, version=7, compression="none", clock="mono", chunk=10):
        self.m, self.version, self.compression, self.chunk = m, version, compression, chunk
        self.clock = clock
        self.buffers = []  # (name, clock, {cpu: ring})
        self.options = []  # (id, data)
        self.extra_sections = []
        self.cmdlines = b"7 tick-tock\n42 qemu\n9 <...>\nrubbish\n"
        self.known, self.kallsyms = KNOWN, b"kall\n"
        self.kernel_long = None
        self.odd_size = 0  # what is added to the sizes of compressed CPUs: versions of trace-cmd differ
        self.lines = ["thread 7 tick-tock", "thread 42 qemu"]

    def buffer(self, rings, name="", clock=None):
        self.buffers.append((name, clock or self.clock, rings))
        return self

    # ---- parts

    def header_info(self):
        m = self.m
        page = (f"\tfield: u64 timestamp;\toffset:0;\tsize:8;\tsigned:0;\n"
                f"\tfield: local_t commit;\toffset:8;\tsize:{m.long_size};\tsigned:1;\n"
                f"\tfield: int overwrite;\toffset:8;\tsize:1;\tsigned:1;\n"
                f"\tfield: char data;\toffset:{m.head};\tsize:{m.subbuf - m.head};\tsigned:1;\n").encode()
        event = b"# compressed entry header\n\ttype_len    :    5 bits\n"
        return (b"header_page\0" + m.pack("Q", len(page)) + page + b"header_event\0" + m.pack("Q", len(event)) + event)

    def texts(self, formats):
        out = self.m.pack("I", len(formats))
        for f in formats:
            text = f.text(self.m)
            out += self.m.pack("Q", len(text)) + text
        return out

    def formats(self):
        systems = sorted({f.system for f in self.known})
        out = self.m.pack("I", len(systems))
        for s in systems:
            out += s.encode() + b"\0" + self.texts([f for f in self.known if f.system == s])
        return out

    def head(self):
        return (b"\x17\x08\x44tracing" + str(self.version).encode() + b"\0" +
                bytes([self.m.big, self.m.long_size]) + self.m.pack("I", self.m.page))

    def option(self, number, data):
        return self.m.pack("HI", number, len(data)) + data

    # ---- version 6

    def flyrecord(self, at, rings, n_cpus):
        """Its table, then the CPUs' data from whole pages on. Return: what stands at byte `at` of the file."""
        datas = [rings[c].bytes() if c in rings else b"" for c in range(n_cpus)]
        out = b"flyrecord\0"
        place = at + len(out) + 16 * n_cpus + len(self.clock_behind)
        table, body = b"", b""
        place += -place % self.m.page
        start = place
        for d in datas:
            table += self.m.pack("QQ", place if d else 0, len(d))
            body += d
            place += len(d)
        out += table + self.clock_behind
        return out + bytes(start - at - len(out)) + body

    def bytes6(self, with_options=True, clock_behind=False):
        m = self.m
        n_cpus = 1 + max(c for _, _, rings in self.buffers for c in rings)
        out = self.head() + self.header_info() + self.texts([]) + self.formats()
        out += m.pack("I", len(self.kallsyms)) + self.kallsyms + m.pack("I", 0)
        out += m.pack("Q", len(self.cmdlines)) + self.cmdlines
        out += m.pack("I", n_cpus)
        text = f"local [{self.clock}] global\n".encode() + b"\0"
        self.clock_behind = m.pack("Q", len(text)) + text if clock_behind else b""
        if with_options:
            out += b"options  \0" + self.option(4, b"" if clock_behind else text)
            for number, data in self.options:
                out += self.option(number, data)
            patches = []
            for name, _, _ in self.buffers[1:]:
                patches.append(len(out) + 6)
                out += self.option(3, m.pack("Q", 0) + name.encode() + b"\0")
            out += m.pack("H", 0)
        out += self.flyrecord(len(out), self.buffers[0][2], n_cpus)
        self.clock_behind = b""
        for patch, (_, _, rings) in zip(patches if with_options else [], self.buffers[1:]):
            at = len(out)
            out = out[:patch] + m.pack("Q", at) + out[patch + 8:]
            out += self.flyrecord(at, rings, n_cpus)
        return out

    # ---- version 7

    def pack_block(self, data):
        if self.compression == "zlib":
            packed = zlib.compress(data)
        else:
            packed = subprocess.run(["zstd", "-c", "-q", "--no-check"], input=data, stdout=subprocess.PIPE,
                                    check=True).stdout
        return self.m.pack("II", len(packed), len(data)) + packed

    def section(self, number, data, packed=True):
        packed = packed and self.compression != "none"
        if packed:
            data = self.pack_block(data)
        return self.m.pack("HHIQ", number, int(packed), 0, len(data)) + data

    def cpu_data(self, ring):
        data = ring.bytes()
        if self.compression == "none":
            return data
        size = self.chunk * self.m.subbuf
        chunks = [data[i:i + size] for i in range(0, len(data), size)]
        return self.m.pack("I", len(chunks)) + b"".join(self.pack_block(c) for c in chunks)

    def add_section(self, number, data):
        self.table += self.option(number, self.m.pack("Q", len(self.out)))
        self.out += self.section(number, data)

    def add_buffer(self, name, clock, rings):
        """Return: the option that tells of it."""
        m, start = self.m, len(self.out)
        body, table = b"", m.pack("II", m.subbuf, len(rings))
        place = start + 16
        for cpu, ring in sorted(rings.items()):
            pad = -place % m.page
            data = self.cpu_data(ring)
            size = len(data) + (self.odd_size if self.compression != "none" else 0)
            table += m.pack("IQQ", cpu, place + pad, size)
            body += bytes(pad) + data
            place += pad + len(data)
        self.out += m.pack("HHIQ", 3, int(self.compression != "none"), 0, len(body)) + body
        return self.option(3, m.pack("Q", start) + name.encode() + b"\0" + clock.encode() + b"\0" + table)

    def bytes7(self):
        m = self.m
        self.out = self.head() + self.compression.encode() + b"\0001.0\0"
        patch = len(self.out)
        self.out += m.pack("Q", 0)
        self.table = b""
        self.add_section(16, self.header_info())
        self.add_section(17, self.texts([]))
        self.add_section(18, self.formats())
        self.add_section(21, m.pack("Q", len(self.cmdlines)) + self.cmdlines)
        for number, data in self.extra_sections:
            self.add_section(number, data)
        for number, data in [(4, f"local [{self.clock}] global\n".encode() + b"\0")] + self.options:
            self.table += self.option(number, data)
        first = len(self.out)
        self.out = self.out[:patch] + m.pack("Q", first) + self.out[patch + 8:]
        done = first + len(self.section(0, self.table + self.option(0, bytes(8)))) - 8
        packed = self.compression != "none"
        if packed:  # where options are compressed, the next ones are told first
            rest = b""
            for name, clock, rings in self.buffers:
                rest += self.add_buffer(name, clock, rings)
            second = len(self.out)
            self.out += self.section(0, rest + self.option(0, m.pack("Q", 0)))
            third = len(self.out)
            self.out += self.section(0, self.table + self.option(0, m.pack("Q", second)))
            self.out = self.out[:patch] + m.pack("Q", third) + self.out[patch + 8:]
        else:
            self.out += self.section(0, self.table + self.option(0, bytes(8)))
            rest = b""
            for name, clock, rings in self.buffers:
                rest += self.add_buffer(name, clock, rings)
            second = len(self.out)
            self.out = self.out[:done] + m.pack("Q", second) + self.out[done + 8:]
            self.out += self.section(0, rest + self.option(0, m.pack("Q", 0)))
        self.out += self.section(15, b"strings\0", packed=False)
        return self.out

    # ---- what is to be found

    def expected(self, head):
        cpus = 1 + max((c for _, _, rings in self.buffers for c in rings), default=0)
        lines = list(head) + ([f"env CPUs {cpus}"] if self.version == 6 else []) + self.lines
        streams = sorted((cpu, i, name, ring) for i, (name, _, rings) in enumerate(self.buffers)
                         for cpu, ring in rings.items() if ring.pages)
        for cpu, _, name, ring in streams:
            lines.append(f"stream cpu {cpu} {name or '-'}")
            lines += ring.expected
        return "\n".join(lines) + "\n"


CLOCKS = {
    "mono": "clock mono 1000000000 0 0 boot -",
    "local": "clock local 1000000000 0 0 boot -",
    "tai": "clock tai 1000000000 0 0 epoch -",
}


def head_of(m, version, clocks=("mono",), diags=(), others=()):
    return [f"version {version}"] + [CLOCKS.get(c, c) for c in clocks] + [f"diag {d}" for d in sorted(diags)] + list(others)


def two_cpus(m, n=40):
    return {0: ticks(Ring(m), n), 1: ticks(Ring(m), n // 2, start=1500)}


# ---- the files: each returns (bytes, expectation)

def plain7(m):
    rings = two_cpus(m)
    rings[0].event(50000, WIDE, 0xfedcba9876543210, -2, [1, 2, 65535], "sixteen bytes ok", pid=-1)
    rings[0].event(50001, BLOB, list(range(64)))
    f = File(m).buffer(rings)
    return f.bytes7(), f.expected(head_of(m, 7))


def plain6(m, with_options=True, clock_behind=False):
    rings = two_cpus(m)
    rings[1].event(50000, WIDE, 1 << 63, -32768, [0, 7, 9], "x")
    f = File(m, version=6).buffer(rings)
    clock = "mono" if with_options else "clock unknown 1000000000 0 0 unknown -"
    head = head_of(m, 6, [clock], [] if with_options else ["clock-rate-unknown 1"])
    return f.bytes6(with_options, clock_behind), f.expected(head)


def instances7():
    m = Machine()
    f = File(m).buffer(two_cpus(m)).buffer(two_cpus(m, 10), "inst", "local").buffer({1: ticks(Ring(m), 3)}, "more")
    return f.bytes7(), f.expected(head_of(m, 7, ["mono", "local"]))


def instances6():
    m = Machine(big=True)
    f = File(m, version=6).buffer(two_cpus(m)).buffer(two_cpus(m, 10), "inst").buffer({0: ticks(Ring(m), 3)}, "more")
    return f.bytes6(), f.expected(head_of(m, 6, diags=["stream-empty 1"]))


def compressed(how, big=False, odd_size=0):
    m = Machine(big=big)
    f = File(m, compression=how, chunk=3).buffer({0: ticks(Ring(m), 4000), 2: ticks(Ring(m), 700)})
    f.odd_size = odd_size
    return f.bytes7(), f.expected(head_of(m, 7))


def texts():
    """Names far apart: chunks without any between those with some. test_tracedat looks at names after it has read on."""
    m = Machine(page=512)
    r = Ring(m)
    for i in range(60):
        for k in range(1 + i % 3):
            r.event(r.now + 10, WOKEN, f"t{100 * i + k}", 100 * i + k)
        for k in range(i % 7 * 40):
            r.event(r.now + 10, TICK, k)
    f = File(m, compression="zlib", chunk=1).buffer({0: r})
    return f.bytes7(), f.expected(head_of(m, 7))


def large_subbuffers():
    m = Machine(subbuf=65536)
    f = File(m).buffer({0: ticks(Ring(m), 9000), 3: ticks(Ring(m), 10)})
    return f.bytes7(), f.expected(head_of(m, 7))


def large_subbuffers6():
    m = Machine(subbuf=65536, big=True)
    f = File(m, version=6).buffer({0: ticks(Ring(m), 9000), 1: ticks(Ring(m), 10)})
    return f.bytes6(), f.expected(head_of(m, 6))


def large_compressed():
    m = Machine(subbuf=16384)
    f = File(m, compression="zstd", chunk=2).buffer({0: ticks(Ring(m), 9000)})
    return f.bytes7(), f.expected(head_of(m, 7))


def missed(m):
    r, q = Ring(m), Ring(m)
    ticks(r, 5)
    r.lose(17)
    ticks(r, 5, start=100000)
    r.lose()
    ticks(r, 5, start=200000)
    q.lose(3)
    ticks(q, 2)
    f = File(m).buffer({0: r, 1: q})
    return f.bytes7(), f.expected(head_of(m, 7, diags=["events-lost 18", "events-overwritten 3"]))


def missed_full():
    """The number of those missing does not fit behind the events."""
    m = Machine()
    r = ticks(Ring(m), 3)
    r.lose()
    for i in range((m.subbuf - m.head) // 16):
        r.event(9000 + 10 * i, TICK, i)
    assert r.room() < m.long_size
    f = File(m).buffer({0: r})
    return f.bytes7(), f.expected(head_of(m, 7, diags=["events-lost 1"]))


def times(m):
    r = Ring(m)
    start = (3 << 59) + 5000  # the top bits of stamps are to be taken from the sub-buffer's
    r.event(1000, TICK, 0)
    r.event(1000, TICK, 1)
    r.event(1000 + (1 << 27) - 1, TICK, 2)
    r.event(r.now + (1 << 27), TICK, 3)
    r.event(r.now + (1 << 40), TICK, 4)
    r.event(r.now + 5, TICK, 5, how="extend")
    r.event(r.now + 5, TICK, 6, how="stamp")
    r.event(r.now + 5, TICK, 7, how="long")
    r.close()
    q = Ring(m)
    q.event(start, TICK, 0)
    q.event(start + 7, TICK, 1, how="stamp")
    q.event((4 << 59) - 5, TICK, 2, how="stamp")
    q.event((4 << 59) + 5, TICK, 3, how="stamp")  # the low bits wrap around
    f = File(m).buffer({0: r, 1: q})
    return f.bytes7(), f.expected(head_of(m, 7))


def discarded(m):
    r = Ring(m)
    r.event(1000, TICK, 0)
    r.discard(1500)
    r.event(2000, TICK, 1)
    r.discard(2000, delta_one=True)
    r.event(2000, TICK, 2)
    r.pad()
    r.event(3000, BLOB, [5] * 64)
    r.event(3001, WIDE, 1, 2, [3, 4, 5], "")
    r.discard(3010, size=200)
    r.event(3011, TICK, 3)
    f = File(m).buffer({0: r})
    return f.bytes7(), f.expected(head_of(m, 7))


def zeros():
    m = Machine()
    r = ticks(Ring(m), 3)
    r.zeros()
    ticks(r, 3, start=9000)
    f = File(m).buffer({0: r})
    return f.bytes7(), f.expected(head_of(m, 7, diags=["sub-buffer-zeros 1"]))


def damaged():
    m = Machine()
    r = ticks(Ring(m), 3)
    r.close()
    r.begin, r.data = 5000, b""
    r.close(length=5000)  # more than there is room for
    r.gap()
    ticks(r, 3, start=9000)
    r.data += r.word(5, 1) + bytes(8)  # an event that reaches past the end
    r.close()
    r.gap()
    ticks(r, 2, start=20000)
    r.close()
    r.pages.append(bytes(m.subbuf))  # never written
    r.gap()
    ticks(r, 2, start=30000)
    r.close()
    saved = list(r.expected)
    r.event(1 << 60, TICK, 9)  # a time from nowhere
    r.close()
    r.expected, r.last = saved, 31000
    r.gap()
    ticks(r, 2, start=40000)
    r.close(length=m.subbuf - m.head)  # the rest of it are zeros
    r.expected.append(f"L 41000 {LOST_TO_END} 0")
    f = File(m).buffer({0: r})
    return f.bytes7(), f.expected(head_of(m, 7, diags=[
        "packet-clock 1", "event-cut 1", "sub-buffer-damaged 2", "sub-buffer-zeros 1"]))


def damaged_chunk():
    m = Machine()
    f = File(m, compression="zlib", chunk=1)
    r = Ring(m)
    ticks(r, 3)
    r.close()
    saved = list(r.expected)
    ticks(r, 3, start=9000)
    r.close()
    r.expected, r.last = saved, 3000
    r.gap()
    ticks(r, 3, start=20000)
    f.buffer({0: r})
    out = f.bytes7()
    second = zlib.compress(r.pages[1])
    at = out.index(second)
    out = out[:at + 10] + bytes(8) + out[at + 18:]
    return out, f.expected(head_of(m, 7, diags=["compressed-data-damaged 1"]))


def unknown():
    m = Machine()
    r = ticks(Ring(m), 3)
    r.event(5000, UNTOLD, 4)
    r.event(6000, TICK, 5)
    f = File(m).buffer({0: r})
    f.options = [(23, b"btf"), (24, bytes(9)), (999, b"whatever"), (6, b"hook")]
    f.extra_sections = [(60, b"a section of tomorrow")]
    return f.bytes7(), f.expected(head_of(m, 7, diags=["event-format-unknown 1"]))


def backward():
    m = Machine()
    r = ticks(Ring(m), 3)
    r.close()
    ticks(r, 3, start=2500)
    f = File(m).buffer({0: r})
    return f.bytes7(), f.expected(head_of(m, 7, diags=["event-clock-back 1"]))


def small(version, compression="none"):
    """To be cut at every byte."""
    m = Machine(page=512)
    rings = {0: ticks(Ring(m), 70), 1: ticks(Ring(m), 40, start=1500)}
    rings[1].lose(3)
    ticks(rings[1], 5, start=90000)
    f = File(m, version=version, compression=compression, chunk=2).buffer(rings)
    if version == 6:
        f.buffer({0: ticks(Ring(m), 40)}, "inst")
    diags = ["events-lost 3"] + (["stream-empty 1"] if version == 6 else [])
    return f.bytes6() if version == 6 else f.bytes7(), f.expected(head_of(m, version, diags=diags))


# ---- clocks

def scaled(mult, shift, offset=0):
    return lambda t: (t * mult >> shift) + offset


def tsc2nsec():
    m = Machine()
    to_ns = scaled(878170238, 31)
    rings = {0: ticks(Ring(m, to_ns), 20, start=9_000_000_000_000_000, step=12345)}
    f = File(m, clock="x86-tsc").buffer(rings, clock="tsc2nsec")
    f.options = [(14, m.pack("IIQ", 878170238, 31, 77))]
    return f.bytes7(), f.expected(head_of(m, 7, ["clock tsc2nsec 2445407001 0 0 boot tsc"]))


def tsc_unknown():
    m = Machine()
    f = File(m, clock="x86-tsc").buffer(two_cpus(m))
    return f.bytes7(), f.expected(head_of(m, 7, ["clock x86-tsc 1000000000 0 0 unknown tsc"],
                                          ["clock-rate-unknown 1"]))


def timers(ring, per_ns, n=400):
    """Timers that expire; the time is read between the event before and the cancellation, by one of two clocks."""
    for i in range(n):
        now = 5 * NS + i * 10_000_000 + i * i * 7
        before, after = int((now - 900) * per_ns), int((now + 600) * per_ns) + 1
        ring.event(before, TICK, i)
        ring.event(after - 50, CANCEL, i)
        ring.event(after, EXPIRE, now if i % 5 else now + 1_700_000_000 * NS)
        ring.event(after + 50, EXPIRED, i)
        ring.event(after + 60, CANCEL, i)
        ring.event(after + 70, EXPIRE, now if i % 5 else now + 1_700_000_000 * NS)
        ring.event(after + 80, EXPIRED, i)
    return ring


def tsc_given():
    """The user says how many cycles there are in a second."""
    m = Machine()
    f = File(m, clock="x86-tsc").buffer({0: ticks(Ring(m, lambda t: t * 2 // 5), 9, step=1001)})
    return f.bytes7(), "given 2500000000\n" + f.expected(head_of(m, 7, ["clock x86-tsc 2500000000 0 0 boot tsc"]))


def tsc_by_timers():
    """Counts per ns by hrtimer_expire_entry; how near the estimate is stands in the second number."""
    m = Machine()
    ring = timers(Ring(m, lambda t: 0), 2.6)
    f = File(m, clock="x86-tsc").buffer({0: ring})
    return f.bytes7(), "version 7\nclock-about x86-tsc 2600000000 2000 boot tsc\nno-times\n"


def tsc_is_ns():
    """A label that lies: split writes ns and calls them x86-tsc."""
    m = Machine()
    ring = timers(Ring(m), 1.0)
    f = File(m, clock="x86-tsc").buffer({0: ring})
    return f.bytes7(), f.expected(head_of(m, 7, ["clock x86-tsc 1000000000 0 0 boot -"], ["clock-label 1"]))


def waits(ring, per_ns):
    for i in range(200):
        start = 5 * NS + i * 50_000_000
        ns = 20_000_000 + 1000 * i
        ring.event(int((start - 2000) * per_ns), EXIT, 0x78, 0, pid=42)
        ring.event(int((start + ns + 1500) * per_ns), WAKEUP, ns, 1, pid=42)
        ring.event(int((start + ns + 3000) * per_ns), ENTRY, 0, pid=42)
    return ring


def tsc_by_waits():
    m = Machine()
    f = File(m, clock="x86-tsc").buffer({0: waits(Ring(m, lambda t: 0), 2.1)})
    return f.bytes7(), "version 7\nclock-about x86-tsc 2100000000 1000000 boot tsc\nno-times\n"


def runs(ring, per_ns):
    """Threads that run; one in ten is interrupted by something that does not count as theirs."""
    t = 5 * NS
    for i in range(100):
        ring.event(int(t * per_ns), SWITCH, 0, 0, 100 + i)
        t += 1000
        for k in range(5):
            ring.event(int((t + k % 3 * 100) * per_ns), RUNTIME, "runner", 100 + i, 4_000_000)
            t += 4_000_000 + (500_000 if i % 10 == 0 else 0)
        ring.event(int((t - 1_000_000) * per_ns), SWITCH, 100 + i, 1, 0)
    return ring


def tsc_by_runs():
    m = Machine()
    f = File(m, clock="x86-tsc").buffer({0: runs(Ring(m, lambda t: 0), 3.2)})
    return f.bytes7(), "version 7\nclock-about x86-tsc 3200000000 1000000 boot tsc\nno-times\n"


def wall_clock():
    m = Machine()
    offset = 1_700_000_000 * NS + 123_000 + 77
    rings = {0: ticks(Ring(m, lambda t: t + offset), 5)}
    f = File(m, clock="local").buffer(rings)
    f.options = [(1, hex((offset - 77) // 1000).encode() + b"\0"), (7, b"77\0")]
    return f.bytes7(), f.expected(head_of(m, 7, [f"clock local 1000000000 0 {offset} epoch -"]))


def tai():
    m = Machine()
    f = File(m, clock="tai").buffer(two_cpus(m))
    return f.bytes7(), f.expected(head_of(m, 7, ["tai"]))


def uptime():
    m = Machine()
    f = File(m, clock="uptime").buffer({0: ticks(Ring(m, lambda t: t * 10_000_000), 5, step=3)})
    return f.bytes7(), f.expected(head_of(m, 7, ["clock uptime 100 0 0 boot -"]))


def counter():
    m = Machine()
    f = File(m, clock="counter").buffer({0: ticks(Ring(m), 5)})
    return f.bytes7(), f.expected(head_of(m, 7, ["clock counter 1000000000 0 0 unknown -"], ["clock-rate-unknown 1"]))


# ---- what is said of the machine

def agent(m):
    f = File(m).buffer({0: ticks(Ring(m), 3)})
    guest = b"g1\0" + m.pack("QI", 0x1122334455667788, 2) + m.pack("IIII", 1, 201, 0, 200)
    nobody = b"\0" + m.pack("QI", 5, 0)
    shift = m.pack("QII", 0x99, 0, 2)
    shift += m.pack("I", 2) + m.pack("QQ", 500, 400) + m.pack("qq", -7, 31344227633) + m.pack("QQ", 1 << 48, 3)
    shift += m.pack("I", 1) + m.pack("Q", 9) + m.pack("q", 8) + m.pack("Q", 1)
    shift += m.pack("QQ", 48, 1) + m.pack("Q", 0)
    stat = b"CPU: 0\nentries: 3\noverrun: 4\ncommit overrun: 0\nbytes: 100\ndropped events: 6\nread events: 0\n\0"
    f.options = [(13, guest), (13, nobody), (12, shift), (11, m.pack("Q", 0xabcdef)), (2, stat),
                 (5, b"Linux myhost 6.12.1 x86_64\0"), (9, b"3.3.1 whatever\0"), (8, m.pack("I", 4))]
    others = ["tracer trace-cmd 3.3.1", "machine Linux myhost 6.12.1", "trace id 0xabcdef",
              "guest g1 0x1122334455667788 200 201", "guest  0x5", "peer 0x99",
              "shift 0 400 31344227633 3 1", "shift 0 500 -7 281474976710656 48", "shift 1 9 8 1 0",
              "env cpu0 overrun 4", "env cpu0 dropped events 6", "env CPUs 4"]
    return f.bytes7(), f.expected(head_of(m, 7, diags=["events-lost 6"], others=others))


def damaged_options():
    m = Machine()
    f = File(m).buffer({0: ticks(Ring(m), 3)})
    f.options = [(13, b"g1"), (12, bytes(10)), (12, m.pack("QII", 1, 0, 1 << 30)), (14, bytes(3)), (5, b""),
                 (13, b"g\0" + m.pack("QI", 1, 1 << 31)), (4, b"no bracket\0"), (1, b"zzz\0")]
    return f.bytes7(), f.expected(head_of(m, 7, diags=["file-damaged 8"]))


def empty():
    m = Machine()
    f = File(m).buffer({})
    return f.bytes7(), f.expected(["version 7"])


def mended(is_cut):
    """As when the disk was full: what is behind the events, or behind some of them, is missing."""
    m = Machine()
    stats = b"CPU: 0\nentries: 0\n\0", b"CPU: 1\nentries: 9\n\0", b"CPU: 2\nentries: 0\nread events: 4\n\0"
    r = ticks(Ring(m), 700)
    f = File(m).buffer({1: ticks(Ring(m), 900), 2: r})
    f.options = [(2, s) for s in stats]
    out, data = f.bytes7(), r.bytes()
    end = out.rindex(data) + len(data)
    if is_cut:  # in the last sub-buffer, behind its tenth event
        per_page = (m.subbuf - m.head) // 16
        n = (len(r.expected) - 1) // per_page * per_page + 10
        end += -m.subbuf + m.head + 16 * 10
        r.expected, r.last = r.expected[:n], 1000 * n
        r.end_lost()
    return out[:end], f.expected(head_of(m, 7, diags=[f"file-cut {3 if is_cut else 1}", "file-mended 1"]))


def files():
    le, be = Machine(), Machine(big=True)
    le32, be32 = Machine(long_size=4), Machine(big=True, long_size=4)
    return {
        "v7-le": plain7(le), "v7-be": plain7(be), "v7-le32": plain7(le32), "v7-be32": plain7(be32),
        "v6-le": plain6(le), "v6-be32": plain6(be32), "v6-no-options": plain6(le32, with_options=False),
        "v6-clock-behind": plain6(be, clock_behind=True),
        "instances": instances7(), "v6-instances": instances6(),
        "zlib": compressed("zlib"), "zlib-be": compressed("zlib", big=True), "zstd": compressed("zstd"),
        "zstd-size-without-count": compressed("zstd", odd_size=-4),
        "subbuf-64k": large_subbuffers(), "v6-subbuf-64k": large_subbuffers6(), "subbuf-16k-zstd": large_compressed(),
        "texts": texts(),
        "missed": missed(le), "missed-be32": missed(be32), "missed-full": missed_full(),
        "times": times(le), "times-be": times(be), "discarded": discarded(le), "discarded-be": discarded(be),
        "zeros": zeros(), "damaged": damaged(), "damaged-chunk": damaged_chunk(), "unknown": unknown(),
        "small-v7": small(7), "small-v6": small(6), "small-zlib": small(7, "zlib"), "small-zstd": small(7, "zstd"),
        "backward": backward(), "empty": empty(),
        "tsc2nsec": tsc2nsec(), "tsc-unknown": tsc_unknown(), "tsc-given": tsc_given(), "tsc-by-timers": tsc_by_timers(),
        "tsc-is-ns": tsc_is_ns(), "tsc-by-waits": tsc_by_waits(), "tsc-by-runs": tsc_by_runs(), "wall-clock": wall_clock(), "tai": tai(),
        "uptime": uptime(), "counter": counter(),
        "agent": agent(le), "agent-be": agent(be), "damaged-options": damaged_options(),
        "mended": mended(False), "mended-cut": mended(True),
    }


CORPUS = ["small-v7", "small-v6", "small-zlib", "small-zstd", "v7-be32", "missed-be32", "times", "discarded-be", "unknown",
          "agent", "tsc2nsec"]


def main():
    if sys.argv[1] == "--corpus":
        out, names = pathlib.Path(sys.argv[2]), CORPUS
    else:
        out, names = pathlib.Path(sys.argv[1]), None
    out.mkdir(parents=True, exist_ok=True)
    for name, (data, expected) in files().items():
        if names is None:
            (out / f"{name}.dat").write_bytes(data)
            (out / f"{name}.expected").write_text(expected)
        elif name in names:
            (out / name).write_bytes(data)


if __name__ == "__main__":
    main()
