#!/usr/bin/python3
"""test_replay.py VMSCOPE SIMULATOR [FILE...]: a trace.dat fed page by page the way `vmscope top` is fed gives the same sums as
`vmscope analyze`, to the ns, and its buckets add up to them; as TAP. FILEs are trace.dat of any other origin.
"""
import json
import pathlib
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import tap  # noqa: E402 pylint: disable=wrong-import-position

VMSCOPE, SIMULATOR, *FILES = sys.argv[1:]
PARTS = ["run_ns", "ready_ns", "exit_ns", "poll_ns", "idle_ns", "blocked_ns", "unknown_ns"]
READY = ["neighbour", "sibling", "own", "process", "kernel", "interrupt", "quota", "latency", "unclear"]
WORK = tempfile.TemporaryDirectory()


def run(*command):
    return subprocess.run([str(c) for c in command], check=True, stdout=subprocess.PIPE, timeout=120).stdout


def query(results, sql):
    return json.loads(run(VMSCOPE, "query", "--format", "json", results, sql))


def simulated(name, *options):
    where = pathlib.Path(WORK.name) / name
    run(SIMULATOR, "--format", "trace.dat", "--no-truth", *options, where)
    return where / "host.dat" if (where / "host.dat").exists() else next(where.glob("**/host*.dat"))


def expected(file):
    """What analyze finds: per vCPU, and per CPU."""
    results = pathlib.Path(WORK.name) / "results.vms"
    run(VMSCOPE, "analyze", "-o", results, file)
    splits = query(results, "SELECT v.host_tid AS tid, v.vcpu_index AS vcpu, s.* FROM vcpu_split s JOIN vcpu v ON v.id = s.vcpu_id")
    exits = query(results, "SELECT v.host_tid AS tid, v.vcpu_index AS vcpu, coalesce(e.name, '(not recorded)') AS name, count(*) AS n"
                  " FROM vm_exit e JOIN vcpu v ON v.id = e.vcpu_id GROUP BY 1, 2, 3")
    cpus = query(results, "SELECT cpu, sum(iif(state = 'vm', dur, 0)) AS vm_ns, sum(iif(state IN ('user', 'syscall'), dur, 0)) AS other_ns,"
                 " sum(iif(state IN ('irq', 'softirq'), dur, 0)) AS irq_ns, sum(iif(state = 'idle', dur, 0)) AS idle_ns,"
                 " sum(iif(state = 'unknown', dur, 0)) AS unknown_ns FROM cpu_state WHERE machine_id = 0 GROUP BY cpu ORDER BY cpu")
    vcpus = {}
    for s in splits:
        vcpus[s["tid"], s["vcpu"]] = {**{p: s[p] for p in PARTS}, "ready": {r: s[r + "_ns"] for r in READY}, "exit_reasons": {}}
    for e in exits:
        vcpus[e["tid"], e["vcpu"]]["exit_reasons"][e["name"]] = e["n"]
    return vcpus, cpus


def seen(line):
    vcpus = {}
    for v in line["vcpus"]:
        vcpus[v["tid"], v["vcpu"]] = {**{p: v[p] for p in PARTS}, "ready": v["ready"], "exit_reasons": v["exit_reasons"]}
    return vcpus, [{k: c[k] for k in ("cpu", "vm_ns", "other_ns", "irq_ns", "idle_ns", "unknown_ns")} for c in line["cpus"]]


def compare(file, interval="0.2"):
    lines = [json.loads(x) for x in run(VMSCOPE, "top", "--replay", file, "--format", "json", "--interval", interval,
                                        "--totals").splitlines()]
    total = lines.pop()
    assert total["total"] and not any(x["total"] for x in lines)
    told, want = seen(total), expected(file)
    for key, vcpu in want[0].items():
        assert told[0].get(key) == vcpu, f"{file}: vCPU {key}:\n{told[0].get(key)}\n{vcpu}"
    assert told == want, f"{file}:\n{told}\n{want}"
    length = round(float(interval) * 1e9)
    for line in lines:
        assert line["end_ns"] - line["begin_ns"] == length
        for v in line["vcpus"]:
            assert sum(v["ready"].values()) == v["ready_ns"] == sum(t["ns"] for t in v["thieves"]), (file, v)
            assert sum(v[p] for p in PARTS) <= length, (file, line["begin_ns"], v)
    return lines, total


def test_simulated():
    """Known from the beginning: nothing has to be told anew at the end."""
    lines, total = compare(simulated("plain", "--vms", 2, "--vcpus", 2, "--duration", 3), "1")
    assert len(lines) > 1 and total["vcpus"] and total["late"] == 0
    assert total["told_anew"] == 1, total["told_anew"]


def test_buckets_add_up():
    """What lies in the buckets is all that there is, but for the ends."""
    lines, total = compare(simulated("sums", "--vms", 2, "--vcpus", 1, "--duration", 2, "--contention"), "0.5")
    for v in total["vcpus"]:
        parts = [w for line in lines for w in line["vcpus"] if w["tid"] == v["tid"]]
        for part in ("run_ns", "ready_ns", "exit_ns", "idle_ns"):
            within = sum(w[part] for w in parts)
            assert v[part] * 0.5 < within + 1 and within <= v[part] + 2_000_000, (part, within, v[part])


def test_quota():
    compare(simulated("quota", "--cause", "quota", "--duration", 2))


def test_lost_events():
    _, total = compare(simulated("lost", "--vms", 2, "--duration", 2, "--lost-events", 3))
    assert total["lost"] > 0


def test_late_guests():
    """Whoever enters a guest late is found, and all is told with that."""
    _, total = compare(simulated("late", "--vms", 3, "--late-guests", "--duration", 2))
    assert total["told_anew"] > 1


def test_compressed():
    compare(simulated("zstd", "--vms", 2, "--duration", 1, "--trace-compress", "zstd"))


def test_cycles():
    compare(simulated("tsc", "--tsc-clock", "--duration", 1))


def test_several_instances():
    compare(simulated("channels", "--vms", 2, "--channels", "--duration", 1))


def test_no_recording():
    broken = pathlib.Path(WORK.name) / "broken.dat"
    broken.write_bytes(b"nothing")
    answer = subprocess.run([VMSCOPE, "top", "--replay", broken, "--batch"], stderr=subprocess.PIPE, check=False)
    assert answer.returncode == 1 and answer.stderr.count(b"\n") == 1, answer


def test_given():
    for file in FILES:
        if subprocess.run([VMSCOPE, "analyze", file], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False).returncode:
            continue
        lines, total = compare(file)
        print(f"# {file}: {len(lines)} buckets, {len(total['vcpus'])} vCPUs, told {total['told_anew']} times, {total['late']} late")


tap.run(dict(globals()))
