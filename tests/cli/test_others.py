#!/usr/bin/python3
"""
test_others.py VMSCOPE: recordings that other readers read, and that are unlike what LTTng writes, are read; as TAP.

What is right is babeltrace2's answer, written here as numbers where it is not installed or cannot read the format; for CTF 2, which
Debian's babeltrace2 cannot read, it is the specification's (CTF2-SPEC-2.0), by section.
"""
import json
import pathlib
import shutil
import struct
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import tap  # noqa: E402 pylint: disable=wrong-import-position

VMSCOPE = sys.argv[1]
BABELTRACE = shutil.which("babeltrace2")
UUID = bytes(range(16))
UUID_TEXT = "00010203-0405-0607-0809-0a0b0c0d0e0f"

TYPES = """/* CTF 1.8 */
typealias integer { size = 8; align = 8; signed = false; } := u8;
typealias integer { size = 32; align = 8; signed = false; } := u32;
typealias integer { size = 64; align = 8; signed = false; } := u64;
"""
TRACE = f"""trace {{ major = 1; minor = 8; byte_order = le; uuid = "{UUID_TEXT}";
	packet.header := struct {{ u32 magic; u8 uuid[16]; u32 stream_id; u64 stream_instance_id; }}; }};
"""
CLOCK = "clock { name = c; freq = 1000000000; };\n"
STREAM = """typealias integer { size = 64; align = 8; map = clock.c.value; } := ts;
stream { id = 0; packet.context := struct { ts timestamp_begin; ts timestamp_end; u32 cpu_id; };
	event.header := struct { u8 id; ts timestamp; }; };
"""
EVENT = "event { name = tick; id = 0; stream_id = 0; fields := struct { u32 n; }; };\n"


def packet(body, begin, end, cpu=0, uuid=UUID, instance=0):
    return (struct.pack("<I16sIQ", 0xC1FC1FC1, uuid, 0, instance) + struct.pack("<QQI", begin, end, cpu) + body)


def ticks(*times, id_=0, fields=None):
    return b"".join(struct.pack("<BQ", id_, t) + (struct.pack("<I", t) if fields is None else fields) for t in times)


def write(directory, metadata, streams):
    directory = pathlib.Path(directory)
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "metadata").write_bytes(metadata if isinstance(metadata, bytes) else metadata.encode())
    for name, data in streams.items():
        (directory / name).write_bytes(data)
    return directory


def run(*args, status=0):
    """Return: what it wrote to stdout and to stderr."""
    r = subprocess.run([VMSCOPE, *map(str, args)], check=False, timeout=60, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    out, err = r.stdout.decode("utf-8", "replace"), r.stderr.decode("utf-8", "replace")
    assert r.returncode == status, (args, r.returncode, err)
    return out, err


def events(path):
    return [json.loads(line) for line in run("events", "--format", "json", path)[0].splitlines()]


def machine_of(path):
    found, = json.loads(run("info", "--format", "json", path)[0])["machines"]
    return found


def like_babeltrace(path):
    """Times, names and fields of all events are those that babeltrace2 prints, where that is installed."""
    if not BABELTRACE:
        return
    r = subprocess.run([BABELTRACE, "--names", "none", "--no-delta", str(path)], check=True, stdout=subprocess.PIPE)
    ours = subprocess.run([VMSCOPE, "events", str(path)], check=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert len(r.stdout.splitlines()) == len(ours.stdout.splitlines()), (r.stdout, ours.stdout)


def read(metadata, streams, babeltrace=True):
    """Return: the events of such a trace."""
    with tempfile.TemporaryDirectory() as directory:
        path = write(directory + "/trace", metadata, streams)
        if babeltrace:
            like_babeltrace(path)
        return events(path)


def fields_of(declaration, data, before="", babeltrace=True):
    """Return: the fields of one event that is described so."""
    event = f"event {{ name = e; id = 0; stream_id = 0; fields := struct {{ {declaration} }}; }};\n"
    found, = read(TYPES + TRACE + CLOCK + STREAM + before + event,
                  {"s": packet(ticks(5, fields=data), 5, 5)}, babeltrace)
    return found["fields"]


# ---- packets ----


def test_packets_of_another_uuid_are_read_and_said():
    with tempfile.TemporaryDirectory() as directory:
        path = write(directory + "/trace", TYPES + TRACE + CLOCK + STREAM + EVENT,
                     {"s": packet(ticks(5, 6), 5, 6, uuid=bytes(16))})
        assert [e["ts"] for e in events(path)] == [5, 6]
        assert "packet-uuid" in run("info", path)[0] + run("info", path)[1]


def test_files_that_share_a_stream_id_are_several_streams():
    """Of one CPU and at the same time: no parts of one stream, whose parts would follow each other."""
    with tempfile.TemporaryDirectory() as directory:
        path = write(directory + "/trace", TYPES + TRACE + CLOCK + STREAM + EVENT,
                     {"a": packet(ticks(5, 7, 9), 5, 9), "b": packet(ticks(6, 8), 6, 8)})
        assert [e["ts"] for e in events(path)] == [5, 6, 7, 8, 9]
        assert "stream-shared" in "".join(run("info", path))
        assert machine_of(path)["streams"] == 2


def test_parts_of_one_stream_are_one():
    with tempfile.TemporaryDirectory() as directory:
        path = write(directory + "/trace", TYPES + TRACE + CLOCK + STREAM + EVENT,
                     {"b": packet(ticks(5, 7), 5, 7), "a": packet(ticks(8, 9), 8, 9)})
        assert [e["ts"] for e in events(path)] == [5, 7, 8, 9]
        assert machine_of(path)["streams"] == 1


def test_without_any_data_stream_that_is_said():
    with tempfile.TemporaryDirectory() as directory:
        path = write(directory + "/trace", TYPES + TRACE + CLOCK + STREAM + EVENT, {})
        for command in ("info", "events", "analyze"):
            _, err = run(command, path, status=1)
            assert "no data stream" in err and len(err.splitlines()) == 1, err


def test_a_stray_metadata_above_the_trace_is_said():
    with tempfile.TemporaryDirectory() as directory:
        write(directory, TYPES + TRACE + CLOCK + STREAM + EVENT, {})
        inner = write(directory + "/inner", TYPES + TRACE + CLOCK + STREAM + EVENT, {"s": packet(ticks(5), 5, 5)})
        _, err = run("info", directory, status=1)
        assert "no data stream" in err and str(inner) in err, err


# ---- TSDL ----


def test_character_constants():
    assert fields_of("enum : u8 { a = 'a', newline = '\\n', quote = '\\'', zero = '\\0', hex = '\\x41' ... 'Z' } e, f, g, h, i;",
                     b"a\n'\0B", babeltrace=False) == {
        "e": {"value": 97, "labels": ["a"]}, "f": {"value": 10, "labels": ["newline"]},
        "g": {"value": 39, "labels": ["quote"]}, "h": {"value": 0, "labels": ["zero"]},
        "i": {"value": 66, "labels": ["hex"]}}


def test_a_length_from_the_environment():
    env = "env { count = 3; };\n"
    assert fields_of("u8 a[env.count]; u8 b;", b"\1\2\3\4", env, babeltrace=False) == {"a": [1, 2, 3], "b": 4}
    # The environment may stand behind what asks for it.
    metadata = TYPES + TRACE + CLOCK + STREAM + (
        "event { name = e; id = 0; stream_id = 0; fields := struct { u8 a[env.count]; }; };\n" + env)
    found, = read(metadata, {"s": packet(ticks(5, fields=b"\1\2\3"), 5, 5)}, babeltrace=False)
    assert found["fields"] == {"a": [1, 2, 3]}


def test_types_that_are_named_within_structs():
    assert fields_of("typedef u8 byte; byte a; struct { typedef u32 word; typealias integer { size = 16; align = 8; } := half; "
                     "struct pair { byte x, y; } p; word w; half h; } s;", struct.pack("<BBBIH", 1, 2, 3, 4, 5)) == {
        "a": 1, "s": {"p": {"x": 2, "y": 3}, "w": 4, "h": 5}}
    # Without a field, which babeltrace2 does not read.
    assert fields_of("struct pair { u8 z; }; struct pair q; enum E : u8 { one = 1 }; enum E e;", b"\6\1", babeltrace=False) == {
        "q": {"z": 6}, "e": {"value": 1, "labels": ["one"]}}


def test_empty_statements():
    assert fields_of("u8 a;; ; u8 b;", b"\1\2", ";;", babeltrace=False) == {"a": 1, "b": 2}
    metadata = (TYPES + TRACE + CLOCK + STREAM + EVENT).replace("; }", ";; }").replace("};\n", "};;\n")
    assert [e["ts"] for e in read(metadata, {"s": packet(ticks(5, 6), 5, 6)}, babeltrace=False)] == [5, 6]


def test_bases_by_their_short_names():
    for word in ("bin", "binary", "b", "oct", "octal", "hex", "dec"):
        assert fields_of(f"integer {{ size = 8; align = 8; base = {word}; }} a;", b"\5", babeltrace=False) == {"a": 5}
    event = "event { name = e; id = 0; stream_id = 0; fields := struct { integer { size = 8; align = 8; base = bin; } a; }; };\n"
    with tempfile.TemporaryDirectory() as directory:
        path = write(directory + "/t", TYPES + TRACE + CLOCK + STREAM + event, {"s": packet(ticks(5, fields=b"\5"), 5, 5)})
        assert "a = 0b00000101" in run("events", path)[0]


def test_a_map_to_a_clock_that_is_not_defined():
    """Its times are ns from 0, and that is said."""
    with tempfile.TemporaryDirectory() as directory:
        path = write(directory + "/t", TYPES + TRACE + STREAM + EVENT, {"s": packet(ticks(5, 6), 5, 6)})
        assert [e["ts"] for e in events(path)] == [5, 6]
        assert "'c' is mapped but not defined" in "".join(run("info", path))


def test_clocks_that_are_not_1_ghz():
    """Times are rounded down, once, from the exact quotient, in more than 64 bits."""
    for freq, offset_s, offset, count in ((2800130166, 1429546405, 2147867334, 77), (3, 0, 0, 2), (7, 5, 13, 2**40),
                                          (2**64 - 1, 1, 2**63, 2**62), (24000000, 0, 0, 2**63), (1000, 1700000000, 1, 2**40)):
        clock = f"clock {{ name = c; freq = {freq}; offset_s = {offset_s}; offset = {offset}; }};\n"
        exact = offset_s * 10**9 + (offset + count) * 10**9 // freq
        found = read(TYPES + TRACE + clock + STREAM + EVENT,
                     {"s": packet(struct.pack("<BQI", 0, count, 1), count, count)}, babeltrace=False)
        assert [e["ts"] for e in found] == [min(exact, 2**63 - 1)], (freq, found, exact)


# ---- CTF 2 (CTF2-SPEC-2.0) ----

U8 = {"type": "fixed-length-unsigned-integer", "length": 8, "byte-order": "little-endian", "alignment": 8}
U64 = {**U8, "length": 64}


def struct_of(**members):
    return {"type": "structure", "member-classes": [{"name": k, "field-class": v} for k, v in members.items()]}


def ctf2(payload, header=True, extra_events=()):
    members = {"id": {**U8, "roles": ["event-record-class-id"]}} if header is True else {}
    if header:
        members["ts"] = {**U64, "roles": ["default-clock-timestamp"]}
    stream = {"type": "data-stream-class", "default-clock-class-id": "c",
              "packet-context-field-class": struct_of(begin={**U64, "roles": ["default-clock-timestamp"]})}
    stream["event-record-header-field-class"] = struct_of(**members)
    fragments = [{"type": "preamble", "version": 2}, {"type": "trace-class"},
                 {"type": "clock-class", "id": "c", "frequency": 10**9}, stream,
                 {"type": "event-record-class", "name": "e", "payload-field-class": payload}, *extra_events]
    return "".join("\x1e" + json.dumps(f) + "\n" for f in fragments)


def packetized(text, chunk=100, byte_order="<"):
    """CTF2-SPEC-2.0, 9.1.1: a metadata stream may be a sequence of packets."""
    packets = b""
    data = text.encode()
    for at in range(0, len(data), chunk):
        part = data[at:at + chunk]
        head = struct.pack(byte_order + "I16sIII5B", 0x75D11D57, UUID, 0, (37 + len(part)) * 8, (48 + len(part)) * 8, 0, 0, 0, 2, 0)
        packets += head + part + bytes(11)
    return packets


def test_ctf2_metadata_in_packets():
    stream = struct.pack("<Q", 1) + struct.pack("<BQB", 0, 5, 7)
    for order in "<>":
        found, = read(packetized(ctf2(struct_of(a=U8)), byte_order=order), {"s": stream}, babeltrace=False)
        assert (found["ts"], found["fields"]) == (5, {"a": 7})


def test_ctf2_without_an_event_id_is_class_0():
    """CTF2-SPEC-2.0, 6.3, event record decoding: without a field that has the role, the class's ID is 0."""
    other = {"type": "event-record-class", "name": "other", "id": 3, "payload-field-class": struct_of(b=U64)}
    found, = read(ctf2(struct_of(a=U8), header="ts", extra_events=[other]), {"s": struct.pack("<QQB", 1, 5, 7)},
                  babeltrace=False)
    assert (found["name"], found["ts"], found["fields"]) == ("e", 5, {"a": 7})


def test_ctf2_boolean_selectors():
    """CTF2-SPEC-2.0, 5.3.19: an optional field may be selected by a boolean field."""
    flag = {**U8, "type": "fixed-length-boolean"}
    payload = struct_of(flag=flag, a={"type": "optional", "selector-field-location": {"path": ["flag"]}, "field-class": U8}, b=U8)
    stream = struct.pack("<Q", 1) + struct.pack("<BQBBB", 0, 5, 1, 8, 9) + struct.pack("<BQBB", 0, 6, 0, 9)
    one, two = read(ctf2(payload), {"s": stream}, babeltrace=False)
    assert one["fields"] == {"flag": True, "a": 8, "b": 9} or one["fields"] == {"flag": 1, "a": 8, "b": 9}, one
    assert "a" not in two["fields"] or two["fields"]["a"] is None, two
    assert two["fields"]["b"] == 9


def test_ctf2_reversed_bit_order():
    """CTF2-SPEC-2.0, 6.4.3, fixed-length bit array: with `bit-order` last-to-first the first bit is a byte's highest."""
    def bits(n, order, signed=False, bit_order="last-to-first"):
        return {"type": f"fixed-length-{'' if signed else 'un'}signed-integer", "length": n, "byte-order": order,
                "bit-order": bit_order}
    le = "little-endian"
    payload = struct_of(a=bits(3, le), b=bits(5, le), c=bits(12, le), d=bits(4, le, True))
    # Bits of the stream in order: a = 1 0 0 (lowest first: 1), b = 0 1 0 0 0 (2), c = 12 bits, d = 4 bits.
    stream_bits = [1, 0, 0] + [0, 1, 0, 0, 0] + [int(x) for x in f"{0xabc:012b}"[::-1]] + [1, 1, 1, 1]
    data = bytes(sum(bit << (7 - i) for i, bit in enumerate(stream_bits[at:at + 8])) for at in range(0, 24, 8))
    found, = read(ctf2(payload), {"s": struct.pack("<Q", 1) + struct.pack("<BQ", 0, 5) + data}, babeltrace=False)
    assert found["fields"] == {"a": 1, "b": 2, "c": 0xabc, "d": -1}, found
    be = "big-endian"
    payload = struct_of(a=bits(3, be, bit_order="first-to-last"), b=bits(13, be, bit_order="first-to-last"))
    # The highest bit of a comes first; a byte's first bit is its lowest.
    stream_bits = [1, 1, 0] + [int(x) for x in f"{0x1234 & 0x1fff:013b}"]
    data = bytes(sum(bit << i for i, bit in enumerate(stream_bits[at:at + 8])) for at in range(0, 16, 8))
    found, = read(ctf2(payload), {"s": struct.pack("<Q", 1) + struct.pack("<BQ", 0, 5) + data}, babeltrace=False)
    assert found["fields"] == {"a": 6, "b": 0x1234}, found


# ---- user space ----


UST = 'env { hostname = "h"; domain = "ust"; tracer_name = "lttng-ust"; tracer_major = 2; };\n'


def test_user_space_traces_are_shown_and_left_out_of_the_analysis():
    with tempfile.TemporaryDirectory() as directory:
        path = write(directory + "/t/ust", TYPES + TRACE + UST + CLOCK + STREAM + EVENT, {"s": packet(ticks(5, 6), 5, 6)})
        like_babeltrace(path)
        assert [e["ts"] for e in events(path)] == [5, 6]
        assert machine_of(path)["events"] == 2
        _, err = run("analyze", path, status=1)
        assert "user space" in err or "user-space" in err, err
        switch = ("event { name = sched_switch; id = 0; stream_id = 0; fields := struct { u32 prev_tid; u32 next_tid; }; };\n")
        write(directory + "/t/kernel", TYPES + TRACE.replace("0a0b", "0b0b") + CLOCK + STREAM + switch,
              {"s": packet(ticks(5, 6, fields=bytes(8)), 5, 6, uuid=UUID[:10] + b"\x0b" + UUID[11:])})
        out, err = run("analyze", directory + "/t")
        assert "user-space" in out + err, (out, err)
        assert len(events(directory + "/t")) == 4


# ---- what is no recording ----


def test_texts_and_old_files_get_a_hint():
    report = "cpus=2\n          <idle>-0     [001]   100.000001: sched_switch:  swapper/1:0 [120] R ==> a:1 [120]\n"
    script = "swapper     0 [000]   100.000001: sched:sched_switch: prev_comm=swapper/0 prev_pid=0\n"
    for text, hint in ((report, "trace-cmd report"), (script, "perf script"), ("PERFFILE" + "\0" * 96, "perf")):
        with tempfile.TemporaryDirectory() as directory:
            path = pathlib.Path(directory, "x")
            path.write_text(text)
            _, err = run("info", path, status=1)
            assert hint in err and len(err.splitlines()) == 1, err


tap.run(dict(globals()))
