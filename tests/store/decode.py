#!/usr/bin/python3
"""decode.py FILE: every row of every table of a results file, made from docs/file-format.md alone.

Slow and obvious, to compare the reader with. Prints `table: column=value ...` per row, lanes by
their keys; texts as JSON strings, NULL as `-`.
"""
import bisect
import json
import struct
import sys

MASK = (1 << 64) - 1
NULL = -(1 << 63)
ROWS, STATES, SPANS, POINTS = range(4)


def signed(x):
    x &= MASK
    return x - (1 << 64) if x >> 63 else x


def xxh64(data):
    p1, p2, p3 = 0x9E3779B185EBCA87, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9
    p4, p5 = 0x85EBCA77C2B2AE63, 0x27D4EB2F165667C5

    def rotate(x, by):
        return (x << by | x >> (64 - by)) & MASK

    def turn(lane, x):
        return rotate((lane + x * p2) & MASK, 31) * p1 & MASK

    at = 0
    if len(data) >= 32:
        lanes = [(p1 + p2) & MASK, p2, 0, -p1 & MASK]
        while len(data) - at >= 32:
            lanes = [turn(v, x) for v, x in zip(lanes, struct.unpack_from("<4Q", data, at))]
            at += 32
        h = sum(rotate(v, by) for v, by in zip(lanes, (1, 7, 12, 18))) & MASK
        for v in lanes:
            h = ((h ^ turn(0, v)) * p1 + p4) & MASK
    else:
        h = p5
    h = (h + len(data)) & MASK
    while len(data) - at >= 8:
        h = (rotate(h ^ turn(0, struct.unpack_from("<Q", data, at)[0]), 27) * p1 + p4) & MASK
        at += 8
    if len(data) - at >= 4:
        h = (rotate(h ^ struct.unpack_from("<I", data, at)[0] * p1 & MASK, 23) * p2 + p3) & MASK
        at += 4
    for byte in data[at:]:
        h = rotate(h ^ byte * p5 & MASK, 11) * p1 & MASK
    h = (h ^ h >> 33) * p2 & MASK
    h = (h ^ h >> 29) * p3 & MASK
    return h ^ h >> 32


class Bytes:
    """A run of bytes, read from its beginning."""

    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, n):
        assert self.at + n <= len(self.data), "bytes end early"
        self.at += n
        return self.data[self.at - n:self.at]

    def u8(self):
        return self.take(1)[0]

    def varint(self):
        x = shift = 0
        while True:
            byte = self.u8()
            x |= (byte & 0x7f) << shift
            shift += 7
            if not byte & 0x80:
                assert x <= MASK
                return x

    def svarint(self):
        x = self.varint()
        return signed(x >> 1 ^ -(x & 1))

    def bits(self, widths):
        """Numbers of these widths, beginning on a byte."""
        size = (sum(widths) + 7) // 8
        x = int.from_bytes(self.take(size), "little")
        numbers = []
        for w in widths:
            numbers.append(x & ((1 << w) - 1))
            x >>= w
        assert x == 0, "bits left over are not zero"
        return numbers

    def end(self):
        assert self.at == len(self.data), "bytes left over"


def unpack(b, packing, n):
    if packing == 0:
        return [0] * n
    if packing == 1:
        return b.bits([b.u8()] * n)
    if packing == 2:
        widths = [b.u8() for _ in range(4)]
        return b.bits([widths[s] for s in b.bits([2] * n)])
    assert packing == 3
    groups = b.bits([1] * ((n + 63) // 64))
    bits = [bit for group in groups for bit in (b.bits([1] * 64) if group else [0] * 64)]
    assert not any(bits[n:])
    inner = b.u8()
    assert inner < 3
    rest = iter(unpack(b, inner, sum(bits)))
    return [next(rest) + 1 if bit else 0 for bit in bits[:n]]


def decode_column(b, n, states=None, left=None, neighbor=None):
    b = Bytes(b.take(b.varint()))
    tag = b.u8()
    packing, transform = tag & 3, tag >> 2 & 7
    nulls, masked, taken = tag >> 5 & 1, tag >> 6 & 1, tag >> 7
    mask = b.varint() if masked else 0
    kept = [i for i in range(n) if not (mask and mask >> states[i] & 1)]
    m = len(kept)

    def plain(code):
        if nulls:
            return signed(base + code - 1) if code else NULL
        return signed(base + code)

    if transform == 0:
        base = b.svarint()
        values = [plain(code) for code in unpack(b, packing, m)]
    elif transform == 1:
        values, base = [b.svarint()], b.svarint()
        for code in unpack(b, packing, m - 1):
            values.append(signed(values[-1] + base + code))
    elif transform == 2:
        base = b.svarint()
        values = [signed(x - base - code) for x, code in zip(left, unpack(b, packing, m))]
    elif transform == 3:
        entries, value = [], 0
        for _ in range(b.varint()):
            value = signed(value + b.svarint())
            entries.append(value)
        codes = unpack(b, packing, m)
        values = [NULL if nulls and not code else entries[code - nulls] for code in codes]
    else:
        assert transform in (4, 5)
        base, lately, values = b.svarint(), {}, []
        for i, code in zip(kept, unpack(b, packing, m)):
            key = neighbor[i] if transform == 5 else values[-1] if values else 0
            if code:
                lately[key] = plain(code - 1)
            values.append(lately.get(key, 0))
        assert transform == 5 or all(0 <= v < 64 for v in values)
    b.end()
    row = [NULL] * n
    for i, value in zip(kept, values):
        row[i] = value
    if taken:
        left[:] = [signed(x - y) for x, y in zip(left, row)]
    return row


def decode_entries(b, n, first, n_sums):
    columns = [decode_column(b, n) for _ in range(6 + n_sums)]
    entries, end = [], first
    for i in range(n):
        gap, span, rows, offset, size, check = (c[i] for c in columns[:6])
        begin = signed(end + gap)
        end = signed(begin + span)
        entries.append((begin, end, rows, offset, size, check, [c[i] for c in columns[6:]]))
    return entries


class Table:
    pass


class File:
    def __init__(self, data):
        self.data, self.base_cache = data, {}
        self.read_header()
        self.read_strings()
        self.read_directory()

    def read_header(self):
        h = self.data[:88]
        assert h[:8] == b"\x89VMS\r\n\x1a\n"
        assert struct.unpack_from("<IIQ", h, 8) == (1, 88, len(self.data))
        fields = struct.unpack_from("<8Q", h, 24)
        self.strings = self.section(*fields[:3])
        self.n_strings = fields[3]
        self.directory = self.section(*fields[4:7])
        self.pieces = [(0, 88), (fields[0], fields[1] + fields[5] + 16)]
        assert fields[7] == xxh64(h[:80])
        assert self.data[-16:] == bytes(16)

    def section(self, offset, size, check):
        section = self.data[offset:offset + size]
        assert len(section) == size and xxh64(section) == check
        return section

    def read_strings(self):
        n = self.n_strings
        at = struct.unpack_from(f"<{n + 1}I", self.strings)
        text = self.strings[4 * (n + 1):]
        self.texts = []
        for begin, end in zip(at, at[1:]):
            assert text[end - 1] == 0
            self.texts.append(text[begin:end - 1].decode("latin-1"))
        assert len(set(self.texts)) == n and at[n] == len(text)

    def read_directory(self):
        d = Bytes(self.directory)
        self.tables = [self.read_table(d) for _ in range(d.varint())]
        d.end()

    def read_table(self, d):
        t = Table()
        t.name = self.texts[d.varint()]
        t.kind, t.n_keys = d.varint(), d.varint()
        t.columns = [(self.texts[d.varint()], d.varint()) for _ in range(d.varint())]
        t.n_sums, n_lanes = d.varint(), d.varint()
        t.lanes = []
        for begin in range(0, n_lanes, 512):
            n = min(512, n_lanes - begin)
            keys = [decode_column(d, n) for _ in range(t.n_keys)]
            levels = decode_column(d, n)
            entries = decode_entries(d, n, 0, t.n_sums)
            t.lanes += zip(zip(*keys) if keys else [()] * n, levels, entries)
        assert [k for k, _, _ in t.lanes] == sorted({k for k, _, _ in t.lanes})
        return t

    def piece(self, entry):
        offset, size, check = entry[3:6]
        piece = self.data[offset:offset + size]
        assert len(piece) == size and xxh64(piece) & 0xffffffff == check
        self.pieces.append((offset, size))
        return Bytes(piece)

    def rows(self, table, keys, level, entry):
        """Rows of a lane, as lists of all columns."""
        if level == 0:
            rows = self.block(table, keys, entry)
        else:
            b = self.piece(entry)
            children = decode_entries(b, b.varint(), entry[0], table.n_sums)
            b.end()
            rows = [r for child in children for r in self.rows(table, keys, level - 1, child)]
        self.check_entry(table, entry, rows)
        return rows

    def base_times(self, keys, first):
        table = next(t for t in self.tables if t.name == "cpu_state")
        lane = next(lane for lane in table.lanes if lane[0] == keys)
        times = self.base_cache.get(keys)
        if not times:
            pieces = list(self.pieces)
            rows = self.rows(table, *lane)
            times = self.base_cache[keys] = [r[2] for r in rows] + [rows[-1][2] + rows[-1][3]]
            self.pieces = pieces  # they count once, when the lane itself is read
        return times[bisect.bisect_right(times, first) - 1:]

    def block_times(self, b, table, first, n):
        """ts, and dur or None."""
        form = b.varint()
        assert form in (0, 1) or form == 3 and table.kind == SPANS
        dur = None
        if form:
            times = self.base_times((b.svarint(), b.svarint()), first)
            ranks = decode_column(b, n)
            ts = [signed(times[r] + rest) for r, rest in zip(ranks, decode_column(b, n))]
            assert min(ranks) >= 0
        else:
            ts = [signed(first + t) for t in decode_column(b, n)]
        if form == 3:
            more, rest = decode_column(b, n), decode_column(b, n)
            dur = [NULL if x == NULL else times[r + m] + x - t
                   for t, r, m, x in zip(ts, ranks, more, rest)]
        elif table.kind == SPANS:
            dur = decode_column(b, n)
        return ts, dur

    def block(self, table, keys, entry):
        first, end, n = entry[:3]
        b, k = self.piece(entry), table.n_keys
        columns = [[key] * n for key in keys] + [None] * (len(table.columns) - k)
        done, states, left = set(range(k)), None, None
        if table.kind != ROWS:
            ts, dur = self.block_times(b, table, first, n)
            columns[k] = ts
            done.add(k)
        if table.kind == SPANS:
            columns[k + 1] = dur
            left = list(dur)
            done.add(k + 1)
        if table.kind == STATES:
            columns[k + 1] = [b - a for a, b in zip(ts, ts[1:] + [end])]
            states = columns[k + 2] = decode_column(b, n)
            done |= {k + 1, k + 2}
        for c in range(len(table.columns)):
            if c not in done:
                columns[c] = decode_column(b, n, states, left, columns[c - 1])
        b.end()
        return [list(row) for row in zip(*columns)]

    @staticmethod
    def check_entry(table, entry, rows):
        first, end, n, _, _, _, sums = entry
        assert n == len(rows)
        if table.kind == ROWS:
            return
        k = table.n_keys
        lengths = [0 if table.kind == POINTS or r[k + 1] == NULL else r[k + 1] for r in rows]
        assert first == rows[0][k] and end == max(r[k] + d for r, d in zip(rows, lengths))
        assert all(a[k] <= b[k] for a, b in zip(rows, rows[1:]))
        if table.kind == SPANS:
            assert sums == [signed(sum(lengths))]
        if table.kind == STATES:
            assert min(lengths) > 0
            assert all(a[k] + d == b[k] for a, b, d in zip(rows, rows[1:], lengths))
            for state, total in enumerate(sums):
                assert total == signed(sum(d for r, d in zip(rows, lengths) if r[k + 2] == state))

    def show(self, kind, value):
        if value == NULL:
            return "-"
        if kind == 1:
            return json.dumps(self.texts[value])
        if kind == 2:
            return "%.17g" % struct.unpack("<d", struct.pack("<q", value))
        return str(value)

    def print(self, out):
        for t in self.tables:
            for keys, level, entry in t.lanes:
                for row in self.rows(t, keys, level, entry):
                    values = (f"{name}={self.show(kind, v)}"
                              for (name, kind), v in zip(t.columns, row))
                    print(f"{t.name}:", *values, file=out)
        at = 0
        for offset, size in sorted(self.pieces):
            assert offset == at, "pieces are not side by side"
            at += size
        assert at == len(self.data)


def main():
    with open(sys.argv[1], "rb") as f:
        File(f.read()).print(sys.stdout)


if __name__ == "__main__":
    main()
