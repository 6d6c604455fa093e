#!/usr/bin/python3
"""tracedat_reader.py TRACE.DAT: every event of a trace.dat with all its fields, one JSON object a line.

A second reader, slow and obvious, that shares nothing with vmscope's and is what it is compared with (test_fields.py). By
trace-cmd's documents trace-cmd.dat.v7(5) and trace-cmd.dat.v6(5) and the kernel's include/linux/ring_buffer.h and
kernel/trace/ring_buffer.c. A line is

    {"raw": counts, "cpu": , "instance": , "system": , "name": , "context": {}, "fields": {}}    an event
    {"raw": null, "cpu": , "instance": , "lost": {"events": number or null}}            before the events that follow it

instance by instance, in each CPU by CPU, in each in the order of the file.
"""
import json
import re
import sys
import zlib

import tracepoint
import zstd

MAGIC = b"\x17\x08\x44tracing"
SECTION_COMPRESSED = 1
DONE, DATE, BUFFER, TRACECLOCK, OFFSET, CPUCOUNT = 0, 1, 3, 4, 7, 8
TSC2NSEC, HEADER_INFO, FTRACE_EVENTS, EVENT_FORMATS = 14, 16, 17, 18
PADDING, TIME_EXTEND, TIME_STAMP = 29, 30, 31
LENGTH_MASK, MISSED, MISSED_STORED = (1 << 27) - 1, 1 << 31, 1 << 30
TOP_5_BITS, STAMP_BITS = 0xf8 << 56, 59


class Bytes:
    """Bytes that are read from left to right."""

    def __init__(self, data, order, at=0):
        self.data = data
        self.order = order
        self.at = at

    def take(self, n):
        if n > len(self.data) - self.at:
            raise EOFError(f"{n} bytes at {self.at}")
        self.at += n
        return self.data[self.at - n:self.at]

    def number(self, n):
        return int.from_bytes(self.take(n), self.order)

    def signed(self, n):
        return int.from_bytes(self.take(n), self.order, signed=True)

    def string(self):
        end = self.data.find(b"\0", self.at)
        if end < 0:
            raise EOFError(f"a string at {self.at}")
        raw = self.take(end - self.at)
        self.at += 1
        return raw.decode("utf-8", "replace")


class Buffer:
    """What one instance recorded."""

    def __init__(self, name, clock, page_size):
        self.name = name
        self.clock = clock
        self.page_size = page_size
        self.cpus = []  # number, offset in the file, bytes
        self.is_compressed = False


class TraceDat:
    def __init__(self, path):
        with open(path, "rb") as f:
            self.data = f.read()
        self.buffers = []
        self.options = []  # id, bytes
        self.clocks = None  # text of trace_clock
        self.read_head()
        if self.version >= 7:
            self.read_sections()
        else:
            self.read_parts()
        self.note_options()

    def read_head(self):
        if not self.data.startswith(MAGIC):
            raise ValueError("is no trace.dat")
        head = Bytes(self.data, "little", len(MAGIC))
        self.version = int(head.string())
        self.order = head.order = "big" if head.number(1) else "little"
        self.user_long = head.number(1)
        self.page_size = head.number(4)
        self.compression = "none"
        if self.version >= 7:
            self.compression = head.string()
            self.compression_version = head.string()
            self.options_at = head.number(8)
        self.head = head

    # ---- what both versions have, in parts or sections

    def read_header_info(self, source):
        if source.take(12) != b"header_page\0":
            raise ValueError("no header_page")
        page = source.take(source.number(8)).decode()
        if source.take(13) != b"header_event\0":
            raise ValueError("no header_event")
        source.take(source.number(8))
        fields = {m["declaration"].split()[-1]: m for m in tracepoint.FIELD.finditer(page.replace("field: ", "field:"))}
        self.commit_size = int(fields["commit"]["size"])
        self.page_start = int(fields["data"]["offset"])
        self.page_end = self.page_start + int(fields["data"]["size"])
        self.formats = tracepoint.Formats(self.order, self.commit_size)

    def read_ftrace_events(self, source):
        for _ in range(source.number(4)):
            self.formats.add("ftrace", source.take(source.number(8)))

    def read_event_formats(self, source):
        for _ in range(source.number(4)):
            system = source.string()
            for _ in range(source.number(4)):
                self.formats.add(system, source.take(source.number(8)))

    # ---- version 6: parts in a fixed order

    def read_parts(self):
        source = self.head
        self.read_header_info(source)
        self.read_ftrace_events(source)
        self.read_event_formats(source)
        source.take(source.number(4))  # kallsyms
        source.take(source.number(4))  # printk formats
        source.take(source.number(8))  # saved command lines
        self.n_cpus = source.number(4)
        kind = source.take(10)
        if kind == b"options  \0":
            self.read_old_options(source)
            kind = source.take(10)
        self.read_old_buffer("", kind, source, self.n_cpus)
        if any(number == TRACECLOCK for number, _ in self.options):
            self.clocks = source.take(source.number(8)).decode()
        for raw in [raw for number, raw in self.options if number == BUFFER]:
            option = Bytes(raw, self.order)
            at = option.number(8)
            name = option.string()
            source = Bytes(self.data, self.order, at)
            self.read_old_buffer(name, source.take(10), source, self.n_cpus)

    def read_old_options(self, source):
        while number := source.number(2):
            self.options.append((number, source.take(source.number(4))))
            if number == CPUCOUNT:
                self.n_cpus = int.from_bytes(self.options[-1][1], self.order)

    def read_old_buffer(self, name, kind, source, n_cpus):
        if kind != b"flyrecord\0":
            return  # text, "latency  "
        buffer = Buffer(name, None, self.page_end)
        for cpu in range(n_cpus):
            buffer.cpus.append((cpu, source.number(8), source.number(8)))
        self.buffers.append(buffer)

    # ---- version 7: sections, which options tell of

    def uncompress(self, data, size):
        if self.compression == "zlib":
            return zlib.decompress(data)
        if self.compression == "zstd":
            return zstd.decompress(data)
        raise ValueError(f"compressed by {self.compression}, {size} bytes")

    def section(self, at):
        """Return: its content."""
        source = Bytes(self.data, self.order, at)
        source.take(2)
        flags = source.number(2)
        source.take(4)
        content = Bytes(source.take(source.number(8)), self.order)
        if not flags & SECTION_COMPRESSED:
            return content
        packed = content.take(4), content.take(4)
        sizes = [int.from_bytes(raw, self.order) for raw in packed]
        return Bytes(self.uncompress(content.take(sizes[0]), sizes[1]), self.order)

    def read_sections(self):
        at = self.options_at
        while at:
            source = self.section(at)
            at = 0
            while source.at < len(source.data):
                number = source.number(2)
                raw = source.take(source.number(4))
                if number == DONE:
                    at = int.from_bytes(raw, self.order)
                    break
                self.options.append((number, raw))
        of = {number: int.from_bytes(raw, self.order) for number, raw in self.options
              if number in (HEADER_INFO, FTRACE_EVENTS, EVENT_FORMATS)}
        self.read_header_info(self.section(of[HEADER_INFO]))
        if FTRACE_EVENTS in of:
            self.read_ftrace_events(self.section(of[FTRACE_EVENTS]))
        if EVENT_FORMATS in of:
            self.read_event_formats(self.section(of[EVENT_FORMATS]))
        for number, raw in self.options:
            if number == BUFFER:
                self.read_buffer(Bytes(raw, self.order))

    def read_buffer(self, option):
        at = option.number(8)
        buffer = Buffer(option.string(), option.string(), option.number(4))
        for _ in range(option.number(4)):
            buffer.cpus.append((option.number(4), option.number(8), option.number(8)))
        head = Bytes(self.data, self.order, at)
        head.take(2)
        buffer.is_compressed = bool(head.number(2) & SECTION_COMPRESSED)
        self.buffers.append(buffer)

    # ---- what the options say

    def note_options(self):
        self.tsc2nsec = None
        self.offset_ns = 0  # to be added to times in ns
        for number, raw in self.options:
            source = Bytes(raw, self.order)
            if number == TRACECLOCK and raw:
                self.clocks = raw.split(b"\0")[0].decode()
            elif number == TSC2NSEC:
                self.tsc2nsec = source.number(4), source.number(4), source.number(8)
            elif number in (DATE, OFFSET):
                self.offset_ns += int(raw.split(b"\0")[0], 0) * (1000 if number == DATE else 1)

    def clock(self, buffer):
        """Return: its name."""
        chosen = re.search(r"\[(\S+)\]", self.clocks or "")
        return buffer.clock or (chosen[1] if chosen else None)

    # ---- the events

    def cpu_data(self, buffer, at, size):
        """Return: the pages, as far as they are there, and whether the file ends before they do."""
        if not buffer.is_compressed:
            pages = self.data[at:at + size]
            return pages, len(pages) < size
        source = Bytes(self.data, self.order, at)
        pages = []
        try:
            for _ in range(source.number(4) if size else 0):
                packed, unpacked = source.number(4), source.number(4)
                pages.append(self.uncompress(source.take(packed), unpacked))
        except EOFError:
            return b"".join(pages), True
        return b"".join(pages), False

    def records(self, buffer, cpu):
        """Yields (time, record), and (None, number of lost events or None)."""
        _, at, size = buffer.cpus[cpu]
        pages, is_cut = self.cpu_data(buffer, at, size)
        for start in range(0, len(pages), buffer.page_size):
            try:
                yield from self.page(pages[start:start + buffer.page_size], buffer.page_size)
            except EOFError:
                is_cut = True
        if is_cut and pages:
            yield None, None

    def page(self, page, size_of_all):
        source = Bytes(page, self.order)
        time = source.number(8)
        commit = source.number(self.commit_size)
        end = self.page_start + (commit & LENGTH_MASK)
        if end > size_of_all:
            return  # no page at all
        if commit & MISSED:
            stored = Bytes(page, self.order, end).number(self.commit_size) if commit & MISSED_STORED else None
            yield None, stored
        source.at = self.page_start
        while source.at < end:
            head = source.number(4)
            kind, delta = (head >> 27, head & LENGTH_MASK) if self.order == "big" else (head & 31, head >> 5)
            if kind == TIME_EXTEND:
                time += delta + (source.number(4) << 27)
            elif kind == TIME_STAMP:
                time = self.stamp(delta + (source.number(4) << 27), time)
            elif kind == PADDING:
                if not delta:
                    return
                # Discarded: its time still counts for what follows, but 1 is written where it was 0.
                time += delta if delta != 1 else 0
                source.take(source.number(4) - 4)
            else:
                size = 4 * kind if kind else source.number(4) - 4
                if size <= 0:
                    yield None, None  # zeros, which some kernels leave in what counts as data
                    return
                time += delta
                record = source.take(size)
                source.at += -size % 4
                yield time, record

    @staticmethod
    def stamp(low, before):
        """An absolute time has 59 bits; the others are as in the time before it."""
        time = low | before & TOP_5_BITS
        return time + (1 << STAMP_BITS) if before & TOP_5_BITS and time < before else time

    def lines(self, only=None):
        """Yields a dictionary per line, of all buffers or of one."""
        for buffer in [only] if only else self.buffers:
            for cpu, (number, _, _) in enumerate(buffer.cpus):
                for time, record in self.records(buffer, cpu):
                    line = {"raw": time, "cpu": number, "instance": buffer.name}
                    if time is None:
                        yield line | {"lost": {"events": record}}
                    else:
                        yield line | self.formats.decode(record)


def main():
    for line in TraceDat(sys.argv[1]).lines():
        print(json.dumps(line))


if __name__ == "__main__":
    main()
