#!/usr/bin/python3
"""test_stand_ins.py VMSCOPE: threads that stand in for vCPUs, pinned, niced and limited by a quota, recorded by `vmscope
record` where tests may trace; how long they ran and waited against the kernel's schedstat; as TAP."""
import contextlib
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import tap  # noqa: E402 pylint: disable=wrong-import-position

VMSCOPE = sys.argv[1]
INSTANCES = pathlib.Path("/sys/kernel/tracing/instances")
WORK_S = 2
# In each period of 100 ms the kernel counts up to 1 ms from before the switch, when an idle CPU takes the thread up again.
COUNTED_MORE_NS = 10_000_000
SQL = """SELECT sum(user_ns + syscall_ns + irq_ns + softirq_ns) AS ran,
 sum(wait_cpu_ns + stolen_ns + hypervisor_ns) AS waited,
 (SELECT coalesce(sum(dur), 0) FROM thread_state u JOIN thread t ON t.id = u.thread_id WHERE t.tid = {tid} AND state = 'unknown'
  AND EXISTS (SELECT 1 FROM thread_state k WHERE k.thread_id = u.thread_id AND k.ts < u.ts AND k.state = 'user')
  AND EXISTS (SELECT 1 FROM thread_state k WHERE k.thread_id = u.thread_id AND k.ts > u.ts AND k.state = 'user')) AS unknown,
 (SELECT count(*) FROM diag WHERE name = 'contradiction') AS contradictions FROM thread_summary WHERE tid = {tid}"""


@contextlib.contextmanager
def quota_group():
    """A group that may use a fifth of a CPU; None where there can be none."""
    old = pathlib.Path("/sys/fs/cgroup/cpu")
    group = (old if old.is_dir() else pathlib.Path("/sys/fs/cgroup")) / f"vmscope-test-{os.getpid()}"
    made = False
    try:
        with contextlib.suppress(OSError):
            group.mkdir()
            made = True
            if old.is_dir():
                (group / "cpu.cfs_period_us").write_text("100000")
                (group / "cpu.cfs_quota_us").write_text("20000")
            else:
                (group / "cpu.max").write_text("20000 100000")
            yield group
            return
        yield None
    finally:
        if made:
            group.rmdir()


class StandIn:
    """A process that waits, runs for WORK_S when told to, and waits again."""

    def __init__(self, set_up):
        begin, self.begin = os.pipe()
        self.done, done = os.pipe()
        self.pid = os.fork()
        if not self.pid:
            try:
                set_up()
                os.write(done, b"r")
                os.read(begin, 1)
                end = time.monotonic() + WORK_S
                while time.monotonic() < end:
                    pass
                os.write(done, b"d")
                os.read(begin, 1)
            finally:
                os._exit(0)
        os.read(self.done, 1)

    def schedstat(self):
        return [int(n) for n in pathlib.Path(f"/proc/{self.pid}/schedstat").read_text().split()]

    def end(self):
        os.write(self.begin, b"e")
        os.waitpid(self.pid, 0)


def stolen_ns():
    """What a host took from this machine, which schedstat leaves out where the kernel is told of it."""
    ticks = int(pathlib.Path("/proc/stat").read_text().split("\n", 1)[0].split()[8])
    return ticks * 10**9 // os.sysconf("SC_CLK_TCK")


def test_they_ran_and_waited_as_the_kernel_counts():
    if os.geteuid() or not INSTANCES.is_dir():
        raise tap.Skip("tests may not trace here")
    last = max(os.sched_getaffinity(0))
    with tempfile.TemporaryDirectory() as directory, quota_group() as group:
        ways = {"pinned": lambda: os.sched_setaffinity(0, {last}),
                "niced": lambda: (os.sched_setaffinity(0, {last}), os.nice(10))}
        if group:
            ways["limited"] = lambda: (group / "cgroup.procs").write_text(str(os.getpid()))
        all_of = {name: StandIn(way) for name, way in ways.items()}
        try:
            before = {name: s.schedstat() for name, s in all_of.items()}
            steal = stolen_ns()
            process = subprocess.Popen([VMSCOPE, "record", "--for", "6s", "-o", f"{directory}/r"],
                                       stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
            time.sleep(1.5)
            for s in all_of.values():
                os.write(s.begin, b"b")
            for s in all_of.values():
                os.read(s.done, 1)
            time.sleep(0.2)
            steal = stolen_ns() - steal
            truth = {name: [b - a for a, b in zip(before[name], s.schedstat())] for name, s in all_of.items()}
            _, said = process.communicate(timeout=100)
            assert process.returncode == 0 and "none lost" in said, said
        finally:
            for s in all_of.values():
                s.end()
        for name, (ran, waited, slices) in truth.items():
            text = subprocess.run([VMSCOPE, "query", "--format", "json", f"{directory}/r/results.vms",
                                   SQL.format(tid=all_of[name].pid)], check=True, stdout=subprocess.PIPE).stdout
            row = json.loads(text)[0]
            detail = f"{name}: ran {row['ran']} of {ran} ns, waited {row['waited']} of {waited} ns, {slices} slices, " \
                     f"{row['unknown']} ns unknown, {steal} ns stolen"
            print(f"# {detail}")
            # Kernels leave switches out now and then; what is unknown for that has to be said and to be little.
            assert row["contradictions"] or not row["unknown"], detail
            assert row["unknown"] <= 0.2 * (ran + waited), detail
            slack = steal + row["unknown"] + (COUNTED_MORE_NS * WORK_S if name == "limited" else 0)
            assert abs(row["ran"] - ran) <= 0.015 * ran + slack, detail
            assert abs(row["waited"] - waited) <= max(0.015 * waited, 120000 * slices) + slack, detail


tap.run(globals())
