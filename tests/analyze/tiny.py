"""tiny: traces of one CPU and a few events, in CTF 1.8, and what is found out of them."""
import json
import pathlib
import struct
import subprocess
import tempfile

HEAD = """/* CTF 1.8 */
typealias integer { size = 32; align = 8; signed = false; } := u32;
typealias integer { size = 64; align = 8; signed = true; } := s64;
trace { major = 1; minor = 8; UUID byte_order = le; packet.header := struct { u32 magic; }; };
env { hostname = "HOSTNAME"; tracer_name = "perf"; };
clock { name = c; CLOCK freq = 1000000000; offset_s = OFFSET; offset = NS; };
typealias integer { size = 64; align = 8; signed = false; map = clock.c.value; } := time;
stream {
	packet.context := struct { time timestamp_begin; time timestamp_end; u32 cpu_id; };
	event.header := struct { u32 id; time timestamp; };
};
"""


def uuid_of(number):
    return f'uuid = "00000000-0000-0000-0000-{number:012}";' if number else ""


def write_trace(directory, events, **more):
    """events: (us, name, {field: int or str}); one class per name. more: as of write_cpus()."""
    write_cpus(directory, {0: events}, **more)


def write_cpus(directory, cpus, offset_s=1700000000, hostname="machine", clock=0, uuid=0, offset_ns=0):
    """
    cpus: {number: events, as of write_trace()}. offset_s, offset_ns: of the clock, from the Epoch; 0 is what tracers
    write that do not know it. clock, uuid: numbers that clock and recording have, 0: none.
    """
    metadata = HEAD.replace("OFFSET", str(offset_s)).replace("HOSTNAME", hostname).replace("NS", str(offset_ns))
    metadata = metadata.replace("CLOCK", uuid_of(clock)).replace("UUID", uuid_of(uuid))
    ids = {}
    for cpu, events in cpus.items():
        body = bytearray()
        for us, name, fields in events:
            if name not in ids:
                ids[name] = len(ids)
                members = "".join(f"{'string' if isinstance(v, str) else 's64'} {k}; "
                                  for k, v in fields.items())
                metadata += f'event {{ name = "{name}"; id = {ids[name]}; fields := struct {{ {members}}}; }};\n'
            body += struct.pack("<IQ", ids[name], us * 1000)
            for value in fields.values():
                body += value.encode() + b"\0" if isinstance(value, str) else struct.pack("<q", value)
        span = struct.pack("<QQI", events[0][0] * 1000, events[-1][0] * 1000, cpu)
        pathlib.Path(directory, f"stream{cpu or str()}").write_bytes(struct.pack("<I", 0xC1FC1FC1) + span + body)
    pathlib.Path(directory, "metadata").write_text(metadata)


def results(vmscope, traces, options, *queries):
    """traces: {name: events}. Return: per query its rows, as dicts."""
    with tempfile.TemporaryDirectory() as directory:
        for name, events in traces.items():
            pathlib.Path(directory, name).mkdir()
            write_trace(f"{directory}/{name}", events)
        vms = f"{directory}.vms"
        try:
            subprocess.run([vmscope, "analyze", "-o", vms, *options, directory], check=True, timeout=60,
                           stdout=subprocess.DEVNULL)
            return [json.loads(subprocess.run([vmscope, "query", "--format", "json", vms, q], check=True,
                                              timeout=60, stdout=subprocess.PIPE).stdout)
                    for q in queries]
        finally:
            pathlib.Path(vms).unlink(missing_ok=True)
