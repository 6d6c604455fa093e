#!/usr/bin/python3
"""perfdata_reader.py PERF.DATA: every sample of a perf.data with all its fields, one JSON object a line.

A second reader, slow and obvious, that shares nothing with vmscope's and is what it is compared with (test_fields.py). By Linux'
tools/perf/Documentation/perf.data-file-format.txt, perf_event_open(2) and include/uapi/linux/perf_event.h. A line is

    {"raw": ns, "cpu": , "misc": , "system": , "name": , "context": {}, "fields": {}}    a sample
    {"raw": ns, "cpu": , "lost": {"events": number, "tracepoint": whether such ones}}    a record of lost ones

in the order of the file; keys that the file does not tell are null. The context is what the sample has besides time and CPU, and a
tracepoint's common fields. A sample of what is no tracepoint has no fields.
"""
import json
import os
import sys

import tracepoint
import zstd
from tracedat_reader import MAGIC as TRACING_MAGIC
from tracedat_reader import Bytes

IP, TID, TIME, ADDR, READ, CALLCHAIN, ID, CPU, PERIOD, STREAM_ID, RAW = (1 << bit for bit in range(11))
IDENTIFIER = 1 << 16
TOTAL_ENABLED, TOTAL_RUNNING, READ_ID, GROUP, READ_LOST = (1 << bit for bit in range(5))
LOST, COMM, SAMPLE, LOST_SAMPLES, FIRST_OF_USER = 2, 3, 9, 13, 64
HEADER_ATTR, HEADER_TRACING_DATA, AUXTRACE, EVENT_UPDATE, HEADER_FEATURE, COMPRESSED, COMPRESSED2 = 64, 66, 71, 78, 80, 81, 83
FEATURE_TRACING_DATA, FEATURE_HOSTNAME, FEATURE_EVENT_DESC, FEATURE_CLOCK_DATA = 1, 3, 12, 29
UPDATE_NAME = 2
TRACEPOINT = 2
SAMPLE_ID_ALL_BIT = 18


def take_text(source):
    return source.take(source.number(4)).split(b"\0")[0].decode("utf-8", "replace")


class Attr:
    """struct perf_event_attr; of an event that was asked for."""

    def __init__(self, raw, order):
        source = Bytes(raw.ljust(64, b"\0"), order)
        self.type = source.number(4)
        source.number(4)
        self.config = source.number(8)
        source.number(8)
        self.sample_type = source.number(8)
        self.read_format = source.number(8)
        flags = source.number(8)
        bit = SAMPLE_ID_ALL_BIT if order == "little" else 63 - SAMPLE_ID_ALL_BIT
        self.sample_id_all = flags >> bit & 1
        self.ids = []
        self.name = None


class PerfData:
    def __init__(self, path):
        self.parts = []
        if os.path.isdir(path):
            names = sorted(name for name in os.listdir(path) if name.startswith("data"))
            self.parts = [os.path.join(path, name) for name in names if name != "data"]
            path = os.path.join(path, "header" if "header" in os.listdir(path) else "data")
        with open(path, "rb") as f:
            self.data = f.read()
        self.order = {b"PERFILE2": "little", b"2ELIFREP": "big"}[self.data[:8]]
        self.attrs = []
        self.formats = None
        self.wall_offset = 0  # ns from the times in the file to the wall clock, where that is known
        self.is_pipe = Bytes(self.data, self.order, 8).number(8) == 16
        if not self.is_pipe:
            self.read_head()

    # ---- what is known before the records

    def section(self, source):
        at, size = source.number(8), source.number(8)
        return Bytes(self.data[at:at + size], self.order), at, size

    def read_head(self):
        head = Bytes(self.data, self.order, 8)
        size, attr_size = head.number(8), head.number(8)
        attrs, _, _ = self.section(head)
        _, self.records_at, self.records_size = self.section(head)
        head.take(16)
        features = self.features_of([head.number(8) for _ in range(4)])
        while len(attrs.data) - attrs.at >= attr_size:
            attr = Attr(attrs.take(attr_size - 16), self.order)
            ids, _, _ = self.section(attrs)
            attr.ids = [ids.number(8) for _ in range(len(ids.data) // 8)]
            self.attrs.append(attr)
        if not self.records_size:  # perf was killed: neither this nor any feature was written
            self.records_size = len(self.data) - self.records_at
            features = []
        table = Bytes(self.data, self.order, self.records_at + self.records_size)
        for number in features:
            content, _, _ = self.section(table)
            self.read_feature(number, content)
        assert size >= 104

    @staticmethod
    def features_of(words):
        """
        The bits are longs of the machine that recorded, of unknown size: on big-endian ones of 32 bits the halves are the other way
        round. As perf does: the host name has always been there.
        """
        if not words[0] >> FEATURE_HOSTNAME & 1 and words[0] >> 32 + FEATURE_HOSTNAME & 1:
            words = [word >> 32 | (word & 0xffffffff) << 32 for word in words]
        return [64 * i + bit for i, word in enumerate(words) for bit in range(64) if word >> bit & 1]

    def read_feature(self, number, content):
        if number == FEATURE_TRACING_DATA:
            self.read_tracing_data(content)
        elif number == FEATURE_EVENT_DESC:
            self.read_event_desc(content)
        elif number == FEATURE_CLOCK_DATA:
            content.take(8)
            wall, clock = content.number(8), content.number(8)
            self.wall_offset = wall - clock

    def read_tracing_data(self, source):
        """What trace.dat has before its records, in the same parts."""
        if source.take(len(TRACING_MAGIC)) != TRACING_MAGIC:
            raise ValueError("no tracing data")
        source.string()
        source.order = "big" if source.number(1) else "little"
        self.formats = tracepoint.Formats(source.order, source.number(1))
        source.number(4)
        for _ in ("header_page", "header_event"):
            source.string()
            source.take(source.number(8))
        for _ in range(source.number(4)):
            self.formats.add("ftrace", source.take(source.number(8)))
        for _ in range(source.number(4)):
            system = source.string()
            for _ in range(source.number(4)):
                self.formats.add(system, source.take(source.number(8)))

    def read_event_desc(self, source):
        n, attr_size = source.number(4), source.number(4)
        for number in range(n):
            source.take(attr_size)
            n_ids = source.number(4)
            name = take_text(source)
            ids = [source.number(8) for _ in range(n_ids)]
            for index, attr in enumerate(self.attrs):
                if (attr.ids == ids) if ids else (number == index):
                    attr.name = name

    # ---- the records

    def records(self):
        """Yields (type, misc, what follows the head), with what was compressed in its place."""
        if self.is_pipe:
            yield from self.records_in(self.data[16:])
        else:
            yield from self.records_in(self.data[self.records_at:self.records_at + self.records_size])
        for path in self.parts:
            with open(path, "rb") as f:
                yield from self.records_in(f.read())

    def records_in(self, data):
        stream = zstd.Stream()
        unpacked = b""
        at = 0
        while len(data) - at >= 8:
            head = Bytes(data, self.order, at)
            kind, misc, size = head.number(4), head.number(2), head.number(2)
            content = data[at + 8:at + size]
            follows = 0
            if kind == COMPRESSED2:
                packed = head.number(8)
                size = size_of_compressed2(size, packed)
                content = data[at + 16:at + 16 + packed]
            if size < 8 or at + size > len(data):
                return
            if kind in (COMPRESSED, COMPRESSED2):
                unpacked += stream.decompress(content)
                whole = whole_records(unpacked, self.order)
                yield from self.records_in(unpacked[:whole])
                unpacked = unpacked[whole:]
            elif kind == HEADER_TRACING_DATA:
                follows = head.number(4)
                self.read_tracing_data(Bytes(data[at + size:at + size + follows], self.order))
                follows += -follows % 8
            elif kind == AUXTRACE:
                follows = head.number(8)
            elif kind == HEADER_ATTR:
                self.read_attr_record(content)
            elif kind == HEADER_FEATURE:
                source = Bytes(content, self.order)
                self.read_feature(source.number(8), source)
            elif kind == EVENT_UPDATE:
                self.read_update(Bytes(content, self.order))
            else:
                yield kind, misc, content
            at += size + follows

    def read_attr_record(self, content):
        size = Bytes(content, self.order, 4).number(4) or 64
        attr = Attr(content[:size], self.order)
        ids = Bytes(content, self.order, size)
        attr.ids = [ids.number(8) for _ in range((len(content) - size) // 8)]
        self.attrs.append(attr)

    def read_update(self, source):
        what, number = source.number(8), source.number(8)
        for attr in self.attrs:
            if what == UPDATE_NAME and number in attr.ids:
                attr.name = source.string()

    def attr_of(self, content, is_sample):
        """Return: that of a record."""
        first = self.attrs[0]
        if len(self.attrs) == 1:
            return first
        if not is_sample and not first.sample_id_all:
            return first
        number = None
        if first.sample_type & IDENTIFIER:
            number = Bytes(content, self.order, 0 if is_sample else len(content) - 8).number(8)
        elif first.sample_type & ID:
            words = [TIME, IP, TID, ADDR] if is_sample else [CPU, STREAM_ID, ID]
            n = sum(1 for word in words if first.sample_type & word)
            number = Bytes(content, self.order, 8 * n if is_sample else len(content) - 8 * n).number(8)
        return next((attr for attr in self.attrs if number in attr.ids), first)

    def read_sample(self, content):
        """Return: the attr, what the sample says by name, and its time, CPU and raw data."""
        attr = self.attr_of(content, True)
        kind = attr.sample_type
        source = Bytes(content, self.order)
        said = {}
        time = cpu = raw = None
        if kind & IDENTIFIER:
            said["id"] = source.number(8)
        if kind & IP:
            said["ip"] = source.number(8)
        if kind & TID:
            said["pid"], said["tid"] = source.signed(4), source.signed(4)
        if kind & TIME:
            time = source.number(8)
        if kind & ADDR:
            said["addr"] = source.number(8)
        if kind & ID:
            said["id"] = source.number(8)
        if kind & STREAM_ID:
            said["stream_id"] = source.number(8)
        if kind & CPU:
            cpu = source.number(4)
            source.number(4)
        if kind & PERIOD:
            said["period"] = source.number(8)
        if kind & READ:
            said["read"] = self.read_counts(source, attr.read_format)
        if kind & CALLCHAIN:
            said["callchain"] = [source.number(8) for _ in range(source.number(8))]
        if kind & RAW:
            raw = source.take(source.number(4))
        return attr, said, time, cpu, raw

    @staticmethod
    def read_counts(source, form):
        def one():
            said = {"value": source.number(8)}
            return said if form & GROUP else said | times()

        def times():
            return {name: source.number(8) for bit, name in ((TOTAL_ENABLED, "time_enabled"), (TOTAL_RUNNING, "time_running"))
                    if form & bit}

        def whose():
            return {name: source.number(8) for bit, name in ((READ_ID, "id"), (READ_LOST, "lost")) if form & bit}

        if not form & GROUP:
            return one() | whose()
        n = source.number(8)
        return times() | {"values": [one() | whose() for _ in range(n)]}

    def read_trailer(self, content):
        """Return: attr, time and CPU of a record that is no sample."""
        attr = self.attr_of(content, False)
        if not attr.sample_id_all:
            return attr, None, None
        kinds = [kind for kind in (TID, TIME, ID, STREAM_ID, CPU, IDENTIFIER) if attr.sample_type & kind]
        source = Bytes(content, self.order, len(content) - 8 * len(kinds))
        time = cpu = None
        for kind in kinds:
            word = Bytes(source.take(8), self.order)
            if kind == TIME:
                time = word.number(8)
            elif kind == CPU:
                cpu = word.number(4)
        return attr, time, cpu

    def lines(self):
        """Yields a dictionary per line."""
        for kind, misc, content in self.records():
            if kind == SAMPLE:
                yield self.sample_line(misc, content)
            elif kind in (LOST, LOST_SAMPLES):
                attr, time, cpu = self.read_trailer(content)
                lost = Bytes(content, self.order, 8 if kind == LOST else 0).number(8)
                # LOST has the id of the event whose buffer it was, which others write to as well.
                of_tracepoint = kind == LOST or attr.type == TRACEPOINT
                yield {"raw": time, "cpu": cpu, "lost": {"events": lost, "tracepoint": of_tracepoint}}

    def sample_line(self, misc, content):
        attr, said, time, cpu, raw = self.read_sample(content)
        line = {"raw": time, "cpu": cpu, "misc": misc}
        if attr.type == TRACEPOINT and raw is not None and self.formats:
            event = self.formats.decode(raw)
            return line | event | {"context": said | event["context"]}
        return line | {"system": None, "name": attr.name, "context": said, "fields": {}}


def size_of_compressed2(size, packed):
    """A head's 16 bits of size wrap around where the block is longer."""
    whole = 16 + packed + -packed % 8
    return whole if whole != size and whole % 65536 == size else size


def whole_records(data, order):
    """Return: how many bytes at the beginning are whole records."""
    at = 0
    while len(data) - at >= 8:
        size = int.from_bytes(data[at + 6:at + 8], order)
        if size < 8 or at + size > len(data):
            break
        at += size
    return at


def main():
    for line in PerfData(sys.argv[1]).lines():
        print(json.dumps(line))


if __name__ == "__main__":
    main()
