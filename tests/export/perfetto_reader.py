"""perfetto_reader: decodes a Perfetto trace, knowing nothing but the public field numbers.

It follows the rules that Perfetto's own importer has: texts are interned before they are used, and
events of a track are put in the order of time, those of one time in the order of the file.
"""
import collections
import functools
import struct

VARINT, FIXED64, BYTES = 0, 1, 2
BOOTTIME, REALTIME = 6, 1
BEGIN, END, INSTANT, COUNTER = 1, 2, 3, 4

Track = collections.namedtuple("Track", "uuid name parent is_counter")
Slice = collections.namedtuple("Slice", "begin end name category args flows_out flows_in")
Instant = collections.namedtuple("Instant", "ts name category args flows_out")


def varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 0x7f) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at
        assert shift < 70, "a number without end"


def fields(data):
    """Field number -> its values in order; every byte must be accounted for."""
    found, at = collections.defaultdict(list), 0
    while at < len(data):
        tag, at = (data[at], at + 1) if data[at] < 0x80 else varint(data, at)
        kind = tag & 7
        if kind == VARINT:
            value, at = (data[at], at + 1) if data[at] < 0x80 else varint(data, at)
        elif kind == FIXED64:
            value, at = data[at:at + 8], at + 8
            assert len(value) == 8
        else:
            assert kind == BYTES, f"wire type {kind}"
            size, at = (data[at], at + 1) if data[at] < 0x80 else varint(data, at)
            value, at = data[at:at + size], at + size
            assert len(value) == size, "cut short"
        found[tag >> 3].append(value)
    return found


def signed(value):
    return value - (1 << 64) if value >> 63 else value


def one(message, field, otherwise=None):
    values = message.get(field, [])
    assert len(values) <= 1, f"field {field} stands {len(values)} times"
    return values[0] if values else otherwise


class Interned:
    """InternedData of one sequence: event_categories 1, event_names 2, debug_annotation_names 3,
    debug_annotation_string_values 29; each entry is {iid = 1, text = 2}."""

    def __init__(self):
        self.texts = {1: {}, 2: {}, 3: {}, 29: {}}

    def add(self, data):
        for field, entries in fields(data).items():
            for entry in map(fields, entries):
                iid, text = one(entry, 1), one(entry, 2).decode()  # must be UTF-8
                assert iid and iid not in self.texts[field], f"iid {iid} is defined twice"
                self.texts[field][iid] = text


class Trace:
    def __init__(self, path):
        self.tracks, self.clocks, self.counters = {}, {}, collections.defaultdict(list)
        self.events, self.interned = collections.defaultdict(list), Interned()
        self.packets = 0
        with open(path, "rb") as f:
            data = f.read()
        packets = fields(data)
        assert set(packets) <= {1}, "a Trace has packets and nothing else"
        for packet in packets[1]:
            self.read_packet(fields(packet))

    def read_packet(self, packet):
        cleared = bool(one(packet, 13, 0) & 1)
        assert cleared == (self.packets == 0), "the first packet, and no other, begins the sequence"
        assert one(packet, 10) == 1, "all packets are of one sequence"
        self.packets += 1
        if 12 in packet:
            self.interned.add(one(packet, 12))
        if 6 in packet:
            for clock in map(fields, fields(one(packet, 6))[1]):
                self.clocks[one(clock, 1)] = signed(one(clock, 2))
        if 60 in packet:
            self.read_track(fields(one(packet, 60)))
        if 11 in packet:
            self.read_event(signed(one(packet, 8)), one(packet, 13, 0), fields(one(packet, 11)))

    def read_track(self, track):
        uuid = one(track, 1)
        assert uuid and uuid not in self.tracks, f"uuid {uuid} twice"
        parent = one(track, 5)
        assert parent is None or parent in self.tracks, "a parent comes first"
        self.tracks[uuid] = Track(uuid, one(track, 2).decode(), parent, 8 in track)

    def args(self, event):
        """DebugAnnotation {name_iid = 1, int_value = 4, string_value_iid = 17}."""
        found = {}
        for annotation in map(fields, event.get(4, [])):
            name = self.interned.texts[3][one(annotation, 1)]
            assert name not in found
            found[name] = (self.interned.texts[29][one(annotation, 17)] if 17 in annotation
                           else signed(one(annotation, 4)))
        return found

    def read_event(self, ts, flags, event):
        uuid, kind = one(event, 11), one(event, 9)
        assert uuid in self.tracks, "an event of no track"
        assert flags & 2, "interned names are used"
        if kind == COUNTER:
            assert self.tracks[uuid].is_counter
            self.counters[uuid].append((ts, struct.unpack("<d", one(event, 44))[0]))
            return
        assert not self.tracks[uuid].is_counter
        text = None
        if kind != END:
            text = self.interned.texts[2][one(event, 10)], self.interned.texts[1][one(event, 3)]
        flows = [[struct.unpack("<Q", f)[0] for f in event.get(field, [])] for field in (47, 48)]
        self.events[uuid].append((ts, len(self.events[uuid]), kind, text, self.args(event), flows))

    @functools.lru_cache(None)
    def path(self, uuid):
        """Names from the root to the track."""
        names = []
        while uuid is not None:
            names.insert(0, self.tracks[uuid].name)
            uuid = self.tracks[uuid].parent
        return tuple(names)

    @functools.lru_cache(None)
    def slices(self, uuid):
        """Slices of a track and the instants on it; nesting must be sound."""
        found, instants, open_slice, last = [], [], None, None
        for ts, _, kind, text, args, flows in sorted(self.events[uuid], key=lambda e: e[:2]):
            assert last is None or ts >= last
            last = ts
            if kind == BEGIN:
                assert open_slice is None, f"a slice at {ts} begins in another one"
                open_slice = ts, text, args, flows
            elif kind == END:
                assert open_slice is not None, f"nothing ends at {ts}"
                begin, text, args, flows = open_slice
                found.append(Slice(begin, ts, *text, args, *flows))
                open_slice = None
            else:
                instants.append(Instant(ts, *text, args, flows[0]))
        assert open_slice is None, "a slice does not end"
        return found, instants
