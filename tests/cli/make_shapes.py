#!/usr/bin/python3
"""make_shapes.py DIRECTORY: writes a small CTF trace with every shape of field that CTF 1.8 has.

Recorded kernel traces have neither floats, enumerations, bit-packed big-endian integers nor strings
that need escapes; what prints or compares fields is tried on this one too. Each of the two streams has two
packets with events lost between them.
"""
import pathlib
import struct
import sys

METADATA = """/* CTF 1.8 */
typealias integer { size = 8; align = 8; signed = false; } := u8;
typealias integer { size = 16; align = 8; signed = false; } := u16;
typealias integer { size = 32; align = 8; signed = false; } := u32;
typealias integer { size = 64; align = 8; signed = false; } := u64;
trace {
	major = 1; minor = 8; byte_order = le;
	packet.header := struct { u32 magic; u32 stream_id; };
};
env { hostname = "shapes"; domain = "kernel"; tracer_name = "lttng-modules"; tracer_major = 2;
	tracer_minor = 13; };
clock { name = c; freq = 1000000000; offset_s = 1700000000; offset = 5; };
typealias integer { size = 32; align = 8; signed = false; map = clock.c.value; } := ts32;
typealias integer { size = 64; align = 8; signed = false; map = clock.c.value; } := ts64;
stream {
	id = 0;
	packet.context := struct { ts64 timestamp_begin; ts64 timestamp_end; u32 content_size; u32 packet_size;
		u32 events_discarded; u32 cpu_id; u8 flavour; };
	event.header := struct { u8 id; ts32 timestamp; };
	event.context := struct { u32 _vpid; integer { size = 8; encoding = UTF8; } _comm[4]; };
};
event {
	name = "numbers"; id = 0; stream_id = 0;
	context := struct { u16 _depth; };
	fields := struct {
		integer { size = 3; align = 1; signed = true; } tiny;
		integer { size = 13; align = 1; signed = false; base = 2; } bits;
		integer { size = 16; align = 8; signed = true; byte_order = be; } big_endian;
		integer { size = 32; align = 8; signed = true; base = 16; } hex;
		integer { size = 12; align = 8; signed = true; base = 8; } octal;
		integer { size = 5; align = 1; signed = true; base = 2; } signed_bits;
		integer { size = 64; align = 8; signed = true; } least;
		integer { size = 64; align = 8; signed = false; } greatest;
		floating_point { exp_dig = 8; mant_dig = 24; byte_order = le; align = 8; } single;
		floating_point { exp_dig = 11; mant_dig = 53; byte_order = be; align = 8; } real;
		floating_point { exp_dig = 11; mant_dig = 53; byte_order = le; align = 8; } third;
	};
};
event {
	name = "labels"; id = 1; stream_id = 0;
	fields := struct {
		enum : u8 { zero, one, many = 2 ... 9, some = 5 ... 7, "with \\"quotes\\"" = 20 } known, several, unknown, quoted;
		enum : integer { size = 8; align = 8; signed = true; base = 16; } { minus = -3 ... -1, plus = 1 } negative;
	};
};
event {
	name = "nested:shapes"; id = 2; stream_id = 0;
	fields := struct {
		struct { u8 a; struct { } none; struct { u8 deep; } inner; } s;
		u8 grid[2][3];
		u8 _n;
		struct { u16 x; string name; } list[_n];
		u8 _empty_length;
		u8 empty[_empty_length];
		enum : u8 { number, text } tag;
		variant <tag> { u32 number; string text; } value;
		enum : u8 { point = 3 } tag2;
		variant <tag2> { struct { u8 x, y; } point; } where[2];
	};
};
event {
	name = "texts"; id = 3; stream_id = 0;
	fields := struct {
		string plain;
		string escapes;
		string { encoding = ASCII; } latin;
		integer { size = 8; align = 8; signed = false; encoding = UTF8; } fixed[6];
		u8 _length;
		integer { size = 8; align = 8; signed = true; encoding = UTF8; } counted[_length];
	};
};
event { name = "nothing"; id = 4; stream_id = 0; };
"""

TEXTS = (b"plain\0" b"\x01 tab\t nl\n cr\r bell\a esc\x1b del\x7f quote\" ' ? \\\0" b"\xe9t\xc3\xa9 \xf0\x9f\x90\xa7\0"
         b"ab\0def" b"\x03xyz")


def numbers(depth):
    tiny_bits = (-3 & 7) | 0x1555 << 3
    octal = (-5 & 0xfff) | (-7 & 0x1f) << 12
    return (struct.pack("<H", depth) + struct.pack("<H", tiny_bits) + struct.pack(">h", -2)
            + struct.pack("<i", -2) + octal.to_bytes(3, "little") + struct.pack("<qQ", -2**63, 2**64 - 1)
            + struct.pack("<f", 0.1) + struct.pack(">d", -1.5e300) + struct.pack("<d", 1 / 3))


def nested(value):
    return (bytes([7, 9, 1, 2, 3, 4, 5, 6, 2]) + struct.pack("<H", 500) + b"first\0"
            + struct.pack("<H", 600) + b"\0" + b"\0" + value + b"\x03" + bytes([1, 2, 3, 4]))


EVENTS = [
    (0, numbers(1)),
    (1, bytes([0, 5, 200, 20, 0xfe])),
    (2, nested(b"\0" + struct.pack("<I", 4000000000))),
    (2, nested(b"\1text\0")),
    (3, TEXTS),
    (4, b""),
    (0, numbers(65535)),
]


LOST = 3  # events that the tracer says it discarded between the two packets of a stream


def packet(number, cpu, begin, step):
    """One packet; the low 32 bits of its clock wrap around inside."""
    body, now = b"", begin
    for id_, fields in EVENTS:
        body += struct.pack("<BI", id_, now & 0xffffffff) + struct.pack("<I", 100 + number) + b"cat\0" + fields
        now += step
    head = struct.pack("<II", 0xC1FC1FC1, 0)
    size = len(head) + 16 + 8 + 9 + len(body)
    context = struct.pack("<QQIIIIB", begin, now, size * 8, size * 8 + 64, LOST * number, cpu, 40 + number)
    return head + context + body + bytes(8)


def main():
    directory = pathlib.Path(sys.argv[1])
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "metadata").write_text(METADATA)
    for cpu in range(2):
        begin = 2**32 - 2500 + 3 * cpu
        (directory / f"stream_{cpu}").write_bytes(
            packet(0, cpu, begin, 1000) + packet(1, cpu, begin + 20000, 7))


main()
