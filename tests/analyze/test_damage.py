#!/usr/bin/python3
"""test_damage.py VMSCOPE SIM: damage is told as it is: what it makes unknown, no more and no less, and that it is there; as TAP."""
import json
import pathlib
import re
import struct
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import tap  # noqa: E402 pylint: disable=wrong-import-position
from tiny import write_trace  # noqa: E402 pylint: disable=wrong-import-position

VMSCOPE, SIM = sys.argv[1:3]


def run(*args, status=0):
    done = subprocess.run([VMSCOPE, *map(str, args)], text=True, capture_output=True, check=False)
    assert done.returncode == status, (done.returncode, done.stderr)
    return done.stdout, done.stderr


def query(vms, sql):
    return json.loads(run("query", "--format", "json", vms, sql)[0])


def machine(*traces):
    """What info says of the only one."""
    found, = json.loads(run("info", "--format", "json", *traces)[0])["machines"]
    return found


def diags(*traces):
    return {d["name"]: d["count"] for d in machine(*traces)["diags"]}


def switch(us, prev, following):
    return us, "sched_switch", {"prev_comm": "p", "prev_tid": prev, "prev_prio": 0, "prev_state": 1, "next_comm": "n",
                                "next_tid": following, "next_prio": 0}


def exits(first, last):
    """A vCPU that is 90 us of every 100 in the guest."""
    for us in range(first, last, 100):
        yield us, "kvm_x86_entry", {"vcpu_id": 0}
        yield us + 90, "kvm_x86_exit", {"exit_reason": 30, "guest_rip": 0, "isa": 1, "info1": 0, "info2": 0}


def simulated(directory, *options):
    subprocess.run([SIM, "--no-truth", "--duration", "0.05", "--seed", "3", "--packet-size", "4096", "--pcpus", "2",
                    *options, directory], check=True, stdout=subprocess.DEVNULL)
    return pathlib.Path(directory, "host/kernel")


def test_the_times_that_a_clock_tells_twice_are_unknown():
    with tempfile.TemporaryDirectory() as directory:
        write_trace(directory, [switch(0, 0, 9), *exits(100, 30000), *exits(20000, 50000), switch(50000, 9, 0)])
        vms = f"{directory}/r.vms"
        run("analyze", "--strict", "-o", vms, directory, status=3)
        rows = query(vms, "SELECT ts, dur, state FROM vcpu_state WHERE ts > (SELECT min(ts) FROM vcpu_state) ORDER BY ts")
        unknown = [r for r in rows if r["state"] == "unknown" and r["dur"] > 100000]
        assert [round(r["dur"], -5) for r in unknown] == [10000000], unknown
        guest = sum(r["dur"] for r in rows if r["state"] == "guest")
        assert abs(guest - 0.9 * 40000000) < 500000, guest
        assert diags(directory)["event-clock-back"] == 199


def test_all_events_of_a_clock_that_wraps_are_read():
    with tempfile.TemporaryDirectory() as directory:
        metadata = """/* CTF 1.8 */
trace { major = 1; minor = 8; byte_order = le; };
clock { name = c; freq = 1000000000; };
typealias integer { size = 64; align = 8; map = clock.c.value; } := t;
stream { event.header := struct { t timestamp; integer { size = 16; align = 8; } id; }; };
event { name = a; id = 1; fields := struct { integer { size = 32; align = 8; } x; }; };
"""
        times = [4000000000 + i * 10 ** 7 for i in range(6)] + [i * 10 ** 7 for i in range(1, 5)]
        pathlib.Path(directory, "metadata").write_text(metadata)
        pathlib.Path(directory, "s").write_bytes(b"".join(struct.pack("<QHI", t, 1, 7) for t in times))
        m = machine(directory)
        assert m["events"] == 10 and m["last_ns"] - m["first_ns"] == 4050000000 - 10 ** 7, m
        assert diags(directory) == {"event-clock-back": 4}


def test_what_is_not_understood_is_no_result():
    with tempfile.TemporaryDirectory() as directory:
        write_trace(directory, [(0, "something", {"x": 1}), (10, "something", {"x": 2})])
        out, err = run("analyze", "-o", f"{directory}/r.vms", directory, status=1)
        assert not out and err.count("\n") == 1 and "none of the 2 events" in err, err
        assert not pathlib.Path(directory, "r.vms").exists()
        assert "something" in run("events", directory)[0]
        assert machine(directory)["events"] == 2


def test_a_packet_that_was_never_closed_is_read_and_said():
    with tempfile.TemporaryDirectory() as directory:
        stream = simulated(directory) / "k_0"
        sound = machine(stream.parent)["events"]
        data = bytearray(stream.read_bytes())
        last = data.rfind(b"\xc1\x1f\xfc\xc1")
        content, = struct.unpack_from("<Q", data, last + 48)
        data[last + 40:last + 64] = bytes(8) + b"\xff" * 16
        stream.write_bytes(data[:last + content // 8])
        m = machine(stream.parent)
        assert m["events"] == sound and m["unreadable"] == ["packet-unclosed"], (m["events"], sound, m["unreadable"])
        out, _ = run("info", "--strict", stream.parent, status=3)
        assert re.search(r"lost +what could not be read \(packet-unclosed\)", out) and "nothing, as far" not in out
        run("analyze", "--strict", stream.parent, status=3)


def test_a_cpu_without_its_stream_is_missing():
    for lose in lambda s: s.write_bytes(b""), lambda s: s.unlink():
        with tempfile.TemporaryDirectory() as directory:
            kernel = simulated(directory)
            lose(kernel / "k_0")
            assert diags(kernel)["cpu-missing"] == 1
            run("info", "--strict", kernel, status=3)
            vms = f"{directory}/r.vms"
            run("analyze", "--strict", "-o", vms, kernel, status=3)
            states = query(vms, "SELECT DISTINCT s.state FROM cpu_state s WHERE s.cpu = 0")
            assert [s["state"] for s in states] == ["unknown"], states
            # Nobody can say that it sleeps, or waits, for it may run there.
            off = query(vms, "SELECT count(*) AS n FROM thread_state WHERE state IN ('blocked', 'wait-cpu')")
            assert off[0]["n"] == 0, off


def test_an_index_tells_that_a_stream_was_cut_between_packets():
    with tempfile.TemporaryDirectory() as directory:
        stream = simulated(directory) / "k_1"
        data = stream.read_bytes()
        stream.write_bytes(data[:data.rfind(b"\xc1\x1f\xfc\xc1")])
        assert diags(stream.parent)["packets-lost"] == 1
        run("analyze", "--strict", stream.parent, status=3)


def test_packets_in_disorder_and_twice_make_no_difference():
    with tempfile.TemporaryDirectory() as directory:
        kernel = simulated(directory, "--vms", "1", "--contention")
        stream = max(kernel.glob("k_*"), key=lambda p: p.stat().st_size)
        traces = [stream.parent, stream.parent.parent.parent / "g1"]
        sound, broken = f"{directory}/sound.vms", f"{directory}/broken.vms"
        run("analyze", "-o", sound, *traces)
        data = stream.read_bytes()
        sizes, at = [], 0
        while at < len(data):
            sizes.append((at, struct.unpack_from("<Q", data, at + 56)[0] // 8))
            at += sizes[-1][1]
        packets = [data[at:at + n] for at, n in sizes]
        assert len(packets) > 4
        packets[1], packets[2] = packets[2], packets[1]
        stream.write_bytes(b"".join(packets + packets[3:4]))
        run("analyze", "-o", broken, *traces)
        for table in ("vcpu_state", "cpu_state", "thread_state", "vm_exit"):
            text = f"SELECT * FROM {table} ORDER BY 1, 2, 3"
            assert query(sound, text) == query(broken, text), table


tap.run(globals())
