#!/usr/bin/python3
"""test_cpus.py VMSCOPE: a small recording of very many CPUs takes neither much memory nor much time; as TAP."""
import os
import pathlib
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import tap  # noqa: E402 pylint: disable=wrong-import-position
import tiny  # noqa: E402 pylint: disable=wrong-import-position

VMSCOPE = sys.argv[1]
SANITIZED = b"__asan_init" in pathlib.Path(VMSCOPE).read_bytes()
N = 500 if SANITIZED else 3000
KB_PER_CPU = 75    # 60 measured; it was 105
KB_BESIDES = 30000


def on_cpu(i):
    """A thread comes and goes; on the first CPU it is a vCPU's."""
    guest = [(1010, "kvm_x86_entry", {"vcpu_id": 0}), (1100, "kvm_x86_exit", {"exit_reason": 30, "isa": 1})]
    return [(1000, "sched_switch", {"prev_comm": "swapper", "prev_tid": 0, "prev_state": 0,
                                    "next_comm": "CPU 0/KVM", "next_tid": 100 + i}),
            *(guest if not i else []),
            (1200, "sched_switch", {"prev_comm": "CPU 0/KVM", "prev_tid": 100 + i, "prev_state": 1,
                                    "next_comm": "swapper", "next_tid": 0})]


def test_many_cpus():
    with tempfile.TemporaryDirectory() as directory:
        pathlib.Path(directory, "host").mkdir()
        tiny.write_cpus(f"{directory}/host", {i: on_cpu(i) for i in range(N)})
        vms = f"{directory}/r.vms"
        # Filling all that is allocated, as meson has malloc() do, would make memory used that is not.
        process = subprocess.Popen([VMSCOPE, "analyze", "-o", vms, f"{directory}/host"], stdout=subprocess.DEVNULL,
                                   env={**os.environ, "MALLOC_PERTURB_": "0"})
        _, status, usage = os.wait4(process.pid, 0)
        assert os.waitstatus_to_exitcode(status) == 0
        print(f"# {N} CPUs: {usage.ru_maxrss / 1024:.0f} MB")
        assert SANITIZED or usage.ru_maxrss < KB_BESIDES + N * KB_PER_CPU
        told = subprocess.run([VMSCOPE, "query", "--format", "csv", vms, "SELECT count(DISTINCT cpu), sum(state = 'user'), "
                               "(SELECT sum(dur) FROM vcpu_state WHERE state = 'guest') FROM cpu_state"],
                              check=True, capture_output=True, text=True).stdout
        assert told.splitlines()[1].split(",")[0] == str(N) and told.splitlines()[1].endswith(",90000"), told


tap.run(globals())
