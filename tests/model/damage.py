"""Damage to simulated recordings, drawn by number, and what it may change in the results: nothing but to unknown."""
import collections
import random
import re
import shutil
import struct

from results import meet
from truth import FORMATS, merged

HEADER = struct.Struct("<I16sIQQQQQQQI")  # packet header and context of the simulator's CTF
FIELDS = {"begin": (32, 8), "end": (40, 8), "content": (48, 8), "size": (56, 8), "seq": (64, 8), "discarded": (72, 8),
          "stream": (20, 4), "cpu": (80, 4)}
PAGE, PAGE_HEADER = 4096, struct.Struct("<QQ")  # ftrace's sub-buffers: time, and how much it holds
PAGE_FIELDS = {"begin": (0, 8), "commit": (8, 8)}

# Bytes and when what it holds begins and ends; fields are those of its header, which has `head` bytes.
Packet = collections.namedtuple("Packet", "offset size begin end head fields")


def packets_of(data):
    """Of a sound stream file."""
    found, at = [], 0
    while at < len(data):
        fields = HEADER.unpack_from(data, at)
        found.append(Packet(at, fields[7] // 8, fields[4], fields[5], HEADER.size, FIELDS))
        at += found[-1].size
    return found


def pages_of(data, first, last):
    """Sub-buffers of a sound trace.dat, whose times lie between these; of all CPUs, one after the other."""
    begins = [(at, *PAGE_HEADER.unpack_from(data, at)) for at in range(0, len(data) - PAGE + 1, PAGE)]
    begins = [(at, begin) for at, begin, size in begins
              if first <= begin <= last and size & 0x7fffffff <= PAGE - PAGE_HEADER.size]
    ends = {at: begin for at, begin in begins}
    return [Packet(at, PAGE, begin, end if (end := ends.get(at + PAGE, 0)) >= begin else last, PAGE_HEADER.size,
                   PAGE_FIELDS) for at, begin in begins]


RECORD = struct.Struct("<IHH")  # perf's: type, misc, size
SAMPLE, PERF_DATA = 9, 40
SAMPLE_TIME, SAMPLE_CPU = 32, 40  # bytes from a sample's start, with what the simulator asks for
SAMPLE_FIELDS = {"size": (6, 2), "type": (0, 4), "time": (SAMPLE_TIME, 8), "cpu": (SAMPLE_CPU, 4), "id": (8, 8)}


def turns_of(data):
    """Of a sound perf.data: stretches of records of one CPU, as perf copied them from its buffer."""
    at, size = struct.unpack_from("<QQ", data, PERF_DATA)
    end, found, last = at + size, [], None
    while at < end:
        kind, _, size = RECORD.unpack_from(data, at)
        cpu = struct.unpack_from("<I", data, at + SAMPLE_CPU)[0] if kind == SAMPLE else None
        if cpu is not None:
            time, = struct.unpack_from("<Q", data, at + SAMPLE_TIME)
            if last == cpu:
                turn = found[-1]
                found[-1] = turn._replace(size=at + size - turn.offset, begin=min(turn.begin, time), end=max(turn.end, time))
            else:
                found.append(Packet(at, size, time, time, RECORD.size + 40, SAMPLE_FIELDS))
        last = cpu
        at += size
    return found


# ---- kinds: each changes the data, and returns the first and last of the packets in whose time nothing is asked


def garble(r, data, packets):
    k = r.randrange(len(packets))
    p = packets[k]
    at = p.offset + r.randrange(p.head, p.size)
    n = min(r.choice((1, 8, 60, 300, 2000)), p.offset + p.size - at)
    data[at:at + n] = r.randbytes(n)
    return k, k


def zero(r, data, packets):
    k = r.randrange(len(packets))
    p = packets[k]
    at = p.offset + r.randrange(p.head, p.size)
    n = min(r.choice((64, 512, 4096)), p.offset + p.size - at)
    data[at:at + n] = bytes(n)
    return k, k


def cut(r, data, packets):
    at = r.randrange(packets[0].offset, len(data))
    del data[at:]
    return None


def twice(r, data, packets):
    k, to = r.randrange(len(packets)), r.randrange(len(packets) + 1)
    p = packets[k]
    at = packets[to].offset if to < len(packets) else len(data)
    data[at:at] = data[p.offset:p.offset + p.size]
    return None


def swap(r, data, packets):
    k = r.randrange(len(packets) - 1)
    a, b = packets[k], packets[k + 1]
    data[a.offset:b.offset + b.size] = data[b.offset:b.offset + b.size] + data[a.offset:a.offset + a.size]
    return None


def drop(r, data, packets):
    k = r.randrange(len(packets))
    p = packets[k]
    r.which = k
    del data[p.offset:p.offset + p.size]
    # That the last one is missing nothing tells.
    return (k, k) if k + 1 == len(packets) else None


def extreme(r, data, packets):
    k = r.randrange(len(packets))
    fields = packets[k].fields
    at, size = fields[r.choice(sorted(fields))]
    value = r.choice((0, 1, 2 ** (8 * size) - 1, 2 ** (8 * size - 1), 2 ** (8 * size) - 2))
    data[packets[k].offset + at:packets[k].offset + at + size] = value.to_bytes(size, "little")
    return k, k


def flip_header(r, data, packets):
    k = r.randrange(len(packets))
    data[packets[k].offset + r.randrange(packets[k].head)] ^= 1 << r.randrange(8)
    return k, k


def flip(r, data, packets):
    k = r.randrange(len(packets))
    data[packets[k].offset + r.randrange(packets[k].head, packets[k].size)] ^= 1 << r.randrange(8)
    return k, k


def empty(_r, data, packets):
    del data[:]
    return None


KINDS = (garble, zero, cut, twice, swap, drop, extreme, flip_header, flip, empty)
PERF_KINDS = (garble, zero, cut, twice, swap, drop, extreme, flip_header, flip)
PAGE_KINDS = (garble, zero, cut, swap, extreme, flip_header, flip)  # that leave each CPU's data where it is


class Damaged:
    """Damage number n to a copy, at `directory`, of a simulated recording: what and when it is."""

    def __init__(self, sim, sound, directory, n, kinds=KINDS):
        r = random.Random(n)
        shutil.copytree(sim.directory, directory)
        if sim.form == "ctf":
            streams = sorted(p for p in directory.glob("*/kernel/*") if p.is_file() and p.name != "metadata")
        else:
            streams = sorted(p for p in directory.glob("*" + FORMATS[sim.form]))
        stream = r.choice([s for s in streams if s.stat().st_size])
        data = bytearray(stream.read_bytes())
        packets, offset = self.packets(sim, sound, directory, stream, data)
        of_form = {"ctf": KINDS, "trace.dat": PAGE_KINDS, "perf.data": PERF_KINDS}[sim.form]
        kinds = [k for k in kinds if (k is not swap or len(packets) > 1) and k in of_form]
        kind = r.choice(kinds)
        spoiled = kind(r, data, packets)
        # perf's file says behind its records what its clock is: where that moved, the offsets that are given are of another.
        moved = sim.form == "perf.data" and len(data) != stream.stat().st_size
        # Nothing in what a cut trace.dat still holds tells that there was another instance.
        moved |= sim.form == "trace.dat" and kind is cut and "--channels" in sim.options
        self.left_out = {stream.name.removesuffix(FORMATS[sim.form])} if moved else set()
        stream.write_bytes(data)
        self.traces = [directory / t.relative_to(sim.directory) for t in sim.traces]
        self.name = f"{kind.__name__} of {stream.relative_to(directory)}"
        self.name += f" {getattr(r, 'which', '')} of {len(packets)}"
        self.begin = self.end = 0
        if spoiled:
            begin = self.begin_of(data, packets, spoiled[0])
            self.begin, self.end = begin + offset, packets[spoiled[1]].end + offset
            self.name += f", packets {spoiled[0]} to {spoiled[1]}"

    @staticmethod
    def begin_of(data, packets, k):
        """What says that it begins a bit earlier, behind the one before, is all that it says of that."""
        if "begin" not in packets[k].fields:
            return packets[k].begin
        at, size = packets[k].fields["begin"]
        says = int.from_bytes(data[packets[k].offset + at:packets[k].offset + at + size], "little")
        return says if k and packets[k - 1].begin < says < packets[k].begin else packets[k].begin

    def packets(self, sim, sound, directory, stream, data):
        """Also what makes their times those of results."""
        if sim.form == "ctf":
            return packets_of(data), clock_offset(stream.parent / "metadata")
        name = stream.relative_to(directory).name.removesuffix(FORMATS[sim.form])
        offset = sim.origins[name] - sim.origins["host"]
        m, = [m for m in sound.machine if m.name == name]
        if sim.form == "perf.data":
            turns = turns_of(data)
            return turns, m.first_ns - min(t.begin for t in turns)
        return pages_of(data, m.first_ns - offset, m.last_ns - offset), offset


def clock_offset(metadata):
    return int(re.search(rb"\n\s*offset = (\d+);", metadata.read_bytes())[1])


# ---- what is compared: lanes by names that a damaged recording has, too


def by_vcpu(r):
    for (vcpu,), rows in r.lanes("vcpu_state").items():
        v = r.vcpus[vcpu]
        yield (r.machines[v.host_id].name, v.host_tid), [(i.ts, i.dur, (i.state, i.pcpu)) for i in rows]


def by_thread(r):
    n = collections.Counter((t.machine_id, t.tid) for t in r.thread)
    for (thread,), rows in r.lanes("thread_state").items():
        t = r.threads[thread]
        if n[t.machine_id, t.tid] == 1 and t.tid:
            yield (r.machines[t.machine_id].name, t.tid), [(i.ts, i.dur, (i.state, i.cpu)) for i in rows]


def by_cpu(r):
    for (machine, cpu), rows in r.lanes("cpu_state").items():
        yield (r.machines[machine].name, cpu), [
            (c.ts, c.dur, (c.state, None if c.thread_id is None else r.threads[c.thread_id].tid)) for c in rows]


TABLES = {"vCPU of": by_vcpu, "thread of": by_thread, "CPU of": by_cpu}


def agrees(told, sound):
    if "unknown" in (told[0], sound[0]):
        return True
    return told[0] == sound[0] and (told[1] is None or told[1] == sound[1])


def unplaced(r):
    """Guests of which nobody knows whose they are: they are told as they believe themselves."""
    return {m.name for m in r.machine if m.parent_id is None and m.name != "host"}


def wrong(damaged, sound, told):
    """States outside of the damage that are known, and others than in the sound recording."""
    left_out = unplaced(told) | unplaced(sound) | damaged.left_out
    for name, lanes in TABLES.items():
        true = dict(lanes(sound))
        for key, rows in lanes(told):
            if key not in true or key[0] in left_out or "host" in damaged.left_out:
                continue
            for a, b, begin, end in meet(merged(rows), merged(true[key])):
                inside = begin >= damaged.begin and end <= damaged.end
                if not inside and not agrees(a.what, b.what):
                    yield f"{name} {key} at {begin}, {end - begin} ns: {a.what}, not {b.what}"
