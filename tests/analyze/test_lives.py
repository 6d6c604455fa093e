#!/usr/bin/python3
"""test_lives.py VMSCOPE: vCPUs whose threads come and go, and tids that are given again; as TAP."""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import tap  # noqa: E402 pylint: disable=wrong-import-position
import tiny  # noqa: E402 pylint: disable=wrong-import-position

VMSCOPE = sys.argv[1]
DEAD = 16
VCPUS = "SELECT m.name || '/' || v.vcpu_index AS vcpu, v.host_tid, v.exits FROM vcpu v JOIN machine m " \
        "ON m.id = v.machine_id ORDER BY 1"
THREADS = "SELECT group_concat(tid) AS tids FROM (SELECT tid FROM thread WHERE vcpu_id IS NOT NULL ORDER BY id)"
STATES = "SELECT state, sum(dur) / 1000 AS us FROM vcpu_state WHERE vcpu_id = 0 GROUP BY state"


class Host:
    """Events of a host's only CPU. Each entry is 100 us in the guest."""

    def __init__(self):
        self.events, self.us, self.tid, self.comm = [], 0, 0, "swapper/0"

    def say(self, event, **fields):
        self.us += 1
        self.events.append((self.us, event, fields))

    def is_there(self, tid, pid, name):
        self.say("lttng_statedump_process_state", tid=tid, pid=pid, name=name)

    def runs(self, tid, comm, prev_state=1):
        self.say("sched_switch", prev_comm=self.comm, prev_tid=self.tid, prev_state=prev_state,
                 next_comm=comm, next_tid=tid)
        self.tid, self.comm = tid, comm

    def vcpu(self, vcpu_id, times):
        """Return: when the guest was first entered, in us."""
        for _ in range(times):
            self.say("kvm_x86_entry", vcpu_id=vcpu_id)
            self.us += 99
            self.say("kvm_x86_exit", exit_reason=30, isa=1)
        return self.us - 101 * times + 2

    def dies(self):
        self.say("sched_process_exit", tid=self.tid)
        self.runs(0, "swapper/0", DEAD)

    def makes(self, tid, pid):
        self.say("sched_process_fork", parent_tid=pid, parent_pid=pid, child_tid=tid, child_pid=pid,
                 child_comm="thread")


def test_a_tid_that_another_vm_gets():
    host = Host()
    host.is_there(510, 500, "fc_vcpu 0")
    host.is_there(601, 600, "CPU 0/KVM")
    host.runs(601, "CPU 0/KVM")
    host.vcpu(0, 20)
    host.runs(510, "fc_vcpu 0")
    host.vcpu(0, 5)
    host.dies()
    host.makes(510, 600)
    host.runs(510, "CPU 1/KVM")
    host.vcpu(1, 7)
    vcpus, = tiny.results(VMSCOPE, {"host": host.events}, [], VCPUS)
    assert [tuple(v.values()) for v in vcpus] == [
        ("vm-500/0", 510, 5), ("vm-600/0", 601, 20), ("vm-600/1", 510, 7)], vcpus


def test_a_tid_that_another_vm_gets_unseen():
    host = Host()
    host.is_there(510, 600, "fc_vcpu 0")
    host.runs(510, "fc_vcpu 0")
    host.vcpu(0, 5)
    host.dies()
    host.us += 100
    host.is_there(510, 500, "CPU 0/KVM")
    host.runs(510, "CPU 0/KVM")
    host.vcpu(0, 7)
    vcpus, threads = tiny.results(
        VMSCOPE, {"host": host.events}, [], VCPUS,
        "SELECT t.comm, v.exits FROM thread t JOIN vcpu v ON v.id = t.vcpu_id ORDER BY t.id")
    assert sorted(v["exits"] for v in vcpus) == [5, 7], vcpus
    assert [tuple(t.values()) for t in threads] == [("fc_vcpu 0", 5), ("CPU 0/KVM", 7)], threads


def test_a_tid_that_a_thread_gets_which_is_no_vcpu():
    host = Host()
    host.is_there(510, 500, "fc_vcpu 0")
    host.runs(510, "fc_vcpu 0")
    host.vcpu(0, 5)
    host.dies()
    host.makes(510, 700)
    host.runs(510, "sh")
    host.us += 1000
    host.runs(0, "swapper/0")
    states, threads = tiny.results(VMSCOPE, {"host": host.events}, [], STATES,
                                   "SELECT comm FROM thread WHERE vcpu_id IS NOT NULL")
    assert {s["state"]: s["us"] for s in states if s["state"] != "unknown"} == {
        "guest": 500, "hypervisor": 5 + 1, "absent": 1003}, states
    assert [t["comm"] for t in threads] == ["fc_vcpu 0"], threads


def replugged():
    host = Host()
    host.is_there(511, 500, "vcpu0")
    host.runs(511, "vcpu0")
    host.vcpu(0, 10)
    host.dies()
    host.us += 4000
    host.makes(611, 500)
    host.runs(611, "vcpu0")
    plugged = host.vcpu(0, 10)
    host.runs(0, "swapper/0")
    return host, plugged


def test_a_vcpu_that_is_plugged_again():
    host, _ = replugged()
    vcpus, threads, states = tiny.results(VMSCOPE, {"host": host.events}, [], VCPUS, THREADS, STATES)
    assert [tuple(v.values()) for v in vcpus] == [("vm-500/0", 511, 20)], vcpus
    assert threads[0]["tids"] == "511,611", threads
    states = {s["state"]: s["us"] for s in states}
    assert states["absent"] == 4001 and states["guest"] == 2000, states


def test_threads_that_run_vcpus_by_turns():
    host = Host()
    host.is_there(501, 500, "worker")
    host.is_there(502, 500, "worker")
    host.runs(501, "worker")
    host.vcpu(0, 2)
    host.vcpu(1, 3)
    host.vcpu(0, 2)
    host.runs(502, "worker")
    host.vcpu(0, 4)
    host.vcpu(1, 5)
    host.runs(501, "worker")
    host.vcpu(1, 2)
    host.runs(0, "swapper/0")
    vcpus, guest, unknown, exits, wrong = tiny.results(
        VMSCOPE, {"host": host.events}, [], VCPUS,
        "SELECT vcpu_id, sum(dur) / 1000 AS us FROM vcpu_state WHERE state = 'guest' GROUP BY vcpu_id",
        "SELECT count(*) AS n FROM vcpu_state WHERE state = 'unknown' AND ts % 1000000000 > 4000",
        "SELECT vcpu_id, count(*) AS n, sum(handled_ns + blocked_ns = dur) AS whole FROM vm_exit GROUP BY vcpu_id",
        "SELECT count(*) AS n FROM diag WHERE name = 'contradiction'")
    assert [v["exits"] for v in vcpus] == [8, 10], vcpus
    assert [g["us"] for g in guest] == [800, 1000], guest
    assert unknown == wrong == [{"n": 0}], (unknown, wrong)
    assert [(x["n"], x["whole"]) for x in exits] == [(8, 7), (10, 9)], exits


def test_the_guest_of_a_vcpu_that_is_plugged_again():
    host, plugged = replugged()
    guest = [(2, "lttng_statedump_process_state", {"tid": 900, "pid": 900, "name": "app"})]
    for first in 4, plugged + 1:
        for us in range(first, first + 1010, 101):
            guest += [(us, "sched_switch", {"prev_comm": "swapper/0", "prev_tid": 0, "prev_state": 0,
                                            "next_comm": "app", "next_tid": 900}),
                      (us + 80, "sched_switch", {"prev_comm": "app", "prev_tid": 900, "prev_state": 1,
                                                 "next_comm": "swapper/0", "next_tid": 0})]
    rows, = tiny.results(VMSCOPE, {"host": host.events, "g1": guest}, ["--vm", "g1=500", "--sync", "none"],
                         "SELECT sum(s.dur) / 1000 AS us FROM thread_state s JOIN thread t ON t.id = s.thread_id "
                         "WHERE t.comm = 'app' AND s.state = 'user'")
    assert rows[0]["us"] == 20 * 80, rows


tap.run(globals())
