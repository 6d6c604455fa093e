#!/usr/bin/python3
"""test_ends.py VMSCOPE: what is known of a vCPU when one of the recordings ends; as TAP."""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import tap  # noqa: E402 pylint: disable=wrong-import-position
import tiny  # noqa: E402 pylint: disable=wrong-import-position

VMSCOPE = sys.argv[1]
ENTRY = "kvm_x86_entry", {"vcpu_id": 0}
HOST = [(5, "lttng_statedump_process_state", {"tid": 31, "pid": 30, "name": "CPU 0/KVM"}),
        (10, "sched_switch", {"prev_comm": "swapper/0", "prev_tid": 0, "prev_state": 0,
                              "next_comm": "CPU 0/KVM", "next_tid": 31}),
        (20, *ENTRY), (30, "kvm_x86_exit", {"exit_reason": 0x72, "isa": 2, "vcpu_id": 0}), (40, *ENTRY)]


def guest_until(*guest_us):
    """The end, in us, of the last state guest, when the guest's trace has events at these times."""
    guest = [(us, "timer_hrtimer_start", {"hrtimer": 1}) for us in guest_us]
    rows, = tiny.results(VMSCOPE, {"host": HOST, "guest": guest},
                         ["--vm", "guest=30", "--clock-offset", "guest=0"],
                         "SELECT max(ts + dur) % 1000000000 AS ns FROM vcpu_state WHERE state = 'guest'")
    return rows[0]["ns"] / 1000


def test_the_guest_proves_that_it_ran_on():
    assert guest_until(25, 28, 41, 300) == 300.001


def test_what_the_host_did_long_after_its_recording_is_unknown():
    assert guest_until(25, 28, 41, 500000) == 40.001


def test_a_vcpu_whose_thread_died_is_absent():
    """A VM that is killed, and a long time without it."""
    killed = HOST + [(50, "kvm_x86_exit", {"exit_reason": 0x60, "isa": 2, "vcpu_id": 0}),
                     (60, "sched_process_exit", {"tid": 31}),
                     (70, "sched_switch", {"prev_comm": "CPU 0/KVM", "prev_tid": 31, "prev_state": 64,
                                           "next_comm": "swapper/0", "next_tid": 0}),
                     (900000, "sched_switch", {"prev_comm": "swapper/0", "prev_tid": 0, "prev_state": 0,
                                               "next_comm": "other", "next_tid": 40})]
    states, = tiny.results(VMSCOPE, {"host": killed}, [],
                           "SELECT state, ts % 1000000000 / 1000 AS us FROM vcpu_state ORDER BY ts DESC LIMIT 2")
    assert [(s["us"], s["state"]) for s in states] == [(70, "absent"), (50, "hypervisor")], states


tap.run(globals())
