#!/usr/bin/python3
"""test_record.py VMSCOPE README: the scripts of `vmscope record`, with recorders that only say how they were called,
and these and the README's commands for real where the kernel lets itself be traced; as TAP."""
import contextlib
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import tap  # noqa: E402 pylint: disable=wrong-import-position

VMSCOPE, README = sys.argv[1:3]
ENV = {**os.environ, "LC_ALL": "C"}
TRACEFS = pathlib.Path("/sys/kernel/tracing")
MACHINES = ("host", "guest")
TRACERS = ("trace-cmd", "perf", "lttng")


def script(machine, tracer=None):
    args = ["--tracer", tracer] if tracer else []
    return subprocess.run([VMSCOPE, "record", "--print", machine, *args], check=True, text=True,
                          stdout=subprocess.PIPE).stdout


def test_scripts_are_shell():
    for machine in MACHINES:
        for tracer in TRACERS:
            subprocess.run(["sh", "-n"], input=script(machine, tracer), text=True, check=True)


def test_the_default_is_what_stock_machines_have():
    for machine in MACHINES:
        assert script(machine) == script(machine, "trace-cmd")


# ---- with recorders that only say how they were called ---------------------------------------------

FAKE = """#!/bin/sh
for word; do printf '%s\\n' "$word" >>"$LOG"; done
printf '%s\\n' -- >>"$LOG"
case $* in *kvm_x86_inj_virq*) exit 1 ;; esac
exit "${STATUS:-0}"
"""
EVENTS = """kvm/kvm_entry kvm/kvm_exit kvm/kvm_userspace_exit kvm/kvm_emulate_insn kvm/kvm_apic_accept_irq
sched/sched_switch sched/sched_waking sched/sched_wakeup sched/sched_process_exit sched/sched_process_fork
irq/irq_handler_entry irq/irq_handler_exit irq_vectors/local_timer_entry irq_vectors/local_timer_exit
irq_vectors/irq_work_entry irq_vectors/irq_work_exit irq_vectors/vector_alloc
raw_syscalls/sys_enter raw_syscalls/sys_exit timer/hrtimer_start timer/hrtimer_expire_entry power/cpu_idle""".split()


class Run:
    """One of the scripts, run with a kernel that has EVENTS only, by the strictest of shells."""

    def __init__(self, machine, tracer, *args, status=0, **env):
        with tempfile.TemporaryDirectory() as directory:
            root = pathlib.Path(directory)
            for event in EVENTS:
                (root / "tracing" / "events" / event).mkdir(parents=True)
            fake = root / tracer
            fake.write_text(FAKE)
            fake.chmod(0o755)
            text = script(machine, tracer).replace(str(TRACEFS), str(root / "tracing"))
            env = {**ENV, "PATH": f"{root}:{ENV['PATH']}", "LOG": f"{root}/log", "STATUS": str(status), **env}
            done = subprocess.run(["sh", "-eu" if not status else "-u", "-s", *args], input=text, text=True,
                                  env=env, stderr=subprocess.PIPE, check=False)
            assert done.returncode == status, done
            self.missing = re.findall("^not available here: (.*)$", done.stderr, re.M)
            assert done.stderr.count("\n") == len(self.missing), done.stderr
            calls = (root / "log").read_text().split("--\n")[:-1] if tracer == "lttng" else \
                [(root / "log").read_text().rpartition("--\n")[0]]
            self.calls = [call.splitlines() for call in calls]
            self.words = self.calls[-1]
            size = root / "tracing" / "buffer_size_kb"
            self.buffer_size = size.read_text().strip() if size.exists() else None

    def value(self, option):
        return self.words[self.words.index(option) + 1]

    def events(self):
        return [self.words[i + 1] for i, word in enumerate(self.words) if word == "-e"]


def test_an_event_that_the_kernel_lacks_is_named():
    for tracer in "trace-cmd", "perf":
        run = Run("host", tracer, OUTPUT="/o")
        assert "kvm:kvm_inj_virq" in run.missing and "irq:softirq_entry" in run.missing, run.missing
        assert {"kvm:kvm_entry", "kvm:kvm_exit", "sched:sched_switch", "irq_vectors:local_timer_exit",
                "power:cpu_idle"} <= set(run.events()), run.events()
        assert not set(run.missing) & set(run.events())
        assert len(run.events()) == len(set(run.events())), run.events()
        assert run.value("-o") == "/o"


def test_a_guest_is_not_asked_for_kvm():
    for tracer in "trace-cmd", "perf":
        run = Run("guest", tracer)
        assert "sched:sched_switch" in run.events()
        assert not any(name.startswith("kvm:") for name in run.events() + run.missing), run.events()
        assert run.value("-o").startswith(os.uname().nodename + "."), run.words


def test_system_calls_can_be_left_out():
    for tracer in "trace-cmd", "perf":
        for machine in MACHINES:
            assert "raw_syscalls:sys_exit" in Run(machine, tracer).events()
            assert not any("sys_" in name for name in Run(machine, tracer, SYSCALLS="no").events())


def test_the_command_is_passed_on():
    for tracer in "trace-cmd", "perf":
        assert Run("host", tracer, "sh", "-c", "echo 'a  b'").words[-3:] == ["sh", "-c", "echo 'a  b'"]
        assert Run("guest", tracer, status=7)


def test_trace_cmd_has_a_clock_in_ns():
    run = Run("host", "trace-cmd")
    assert run.value("-C") == "mono" and {"--date", "--no-filter"} <= set(run.words)
    assert "irq_vectors:irq_work_exit" in run.events() and "irq_vectors:vector_alloc" not in run.events()
    assert "timer:hrtimer_expire_entry" in run.events()
    assert run.buffer_size == "1408"


def test_trace_cmd_asks_the_agents_of_guests():
    words = Run("host", "trace-cmd", "sleep", "1", GUESTS="3 4").words
    host, three, four = " ".join(words).split(" -A ")
    assert "-C" not in words and "--date" not in words  # trace-cmd finds a clock that it can tie
    assert three.startswith("3 -b ") and four.startswith("4 -b ")
    assert "kvm:kvm_entry" in host and "sched:sched_switch" in host
    assert "kvm:" not in three + four and "sched:sched_waking" not in three
    assert "sched:sched_switch" in three and "sched:sched_switch" in four and four.endswith(" sleep 1")


def test_perf_is_kept_from_recording_itself():
    run = Run("host", "perf", "sleep", "1")
    for name in "raw_syscalls:sys_enter", "raw_syscalls:sys_exit":
        assert run.words[run.words.index(name) + 1] == "--exclude-perf", run.words
    assert run.words.count("--exclude-perf") == 2  # of sched_switch all are needed
    assert run.value("-k") == "CLOCK_MONOTONIC" and run.words[-3:] == ["--", "sleep", "1"]
    assert not any("irq_work" in name or name == "kvm:kvm_emulate_insn" for name in run.events())


def test_lttng():
    for machine in MACHINES:
        run = Run(machine, "lttng", OUTPUT="/o")
        assert run.calls[0] == ["create", "vmscope", "--output=/o"] and run.calls[-1] == ["start"]
        enabled = [call[-1] for call in run.calls if call[:3] == ["enable-event", "--kernel", "--channel=k"]]
        assert {"sched_switch", "vmsync_*", "x86_irq_vectors_*", "--all"} <= set(enabled)
        assert len(enabled) == len(set(enabled)), enabled
        assert ("kvm_x86_entry" in enabled) == ("kvm_x86_exit" in enabled) == (machine == "host")
        assert not any(e.startswith("kvm_*") or e == "kvm_mmio" for e in enabled)
        assert run.missing == (["kvm_x86_inj_virq"] if machine == "host" else [])


# ---- for real --------------------------------------------------------------------------------------

SETTINGS = ("trace_clock", "buffer_size_kb", "saved_cmdlines_size", "tracing_on")


def setting(name):
    text = (TRACEFS / name).read_text()
    chosen = re.search(r"\[(\S+)\]", text)
    return chosen.group(1) if name == "trace_clock" and chosen else text.split()[0]


@contextlib.contextmanager
def tracing(tool):
    """Nobody else traces, and everything is off again in the end."""
    if os.geteuid() != 0 or not shutil.which(tool):
        raise tap.Skip(f"needs root, and {tool}")
    mounted = (TRACEFS / "events").is_dir()
    if not mounted and subprocess.run(["mount", "-t", "tracefs", "nodev", TRACEFS], check=False,
                                      stderr=subprocess.DEVNULL).returncode:
        raise tap.Skip("the kernel's tracing file system cannot be mounted")
    if (TRACEFS / "set_event").read_text() or (TRACEFS / "current_tracer").read_text() != "nop\n":
        raise tap.Skip("somebody else is tracing")
    before = {name: setting(name) for name in SETTINGS}
    try:
        with tempfile.TemporaryDirectory() as directory:
            yield pathlib.Path(directory)
    finally:
        (TRACEFS / "set_event").write_text("\n")
        for name, value in before.items():
            (TRACEFS / name).write_text(value + "\n")
        if not mounted:
            subprocess.run(["umount", TRACEFS], check=False)


def finds_function_tracer():
    """Where a kernel keeps it from everybody, trace-cmd fails in the end, the recording being complete."""
    try:
        (TRACEFS / "set_ftrace_filter").read_text()
        return True
    except OSError:
        return False


def record(directory, text, wanted, seconds=2):
    """Runs the script as a user would who stops it with Ctrl-C, some time after it made a file whose name begins with
    `wanted`. Return: (status, what it said)."""
    name = directory / "record.sh"
    name.write_text(text)
    with open(directory / "said", "w+", encoding="utf-8") as said:
        with subprocess.Popen(["sh", name], cwd=directory, stdin=subprocess.DEVNULL, stdout=said, stderr=said,
                              env={**ENV, "OUTPUT": wanted}, start_new_session=True) as running:
            end = time.monotonic() + 60
            while time.monotonic() < end and running.poll() is None:
                if end > time.monotonic() + seconds and list(directory.glob(wanted + "*")):
                    end = time.monotonic() + seconds  # it has begun
                subprocess.run(["sleep", "0.01"], check=True)  # something for the scheduler
            os.killpg(running.pid, signal.SIGINT)
            try:
                status = running.wait(timeout=60)
            finally:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(running.pid, signal.SIGKILL)  # of a recorder that crashed
        said.seek(0)
        return status, said.read()


def check_with_vmscope(path, tracer):
    """What a stock kernel has was enabled, by vmscope's own reader."""
    done = subprocess.run([VMSCOPE, "info", "--format", "json", path], check=True, env=ENV, stdout=subprocess.PIPE,
                          timeout=60)
    machine, = json.loads(done.stdout)["machines"]
    prefix = "" if tracer == "trace-cmd" else "sched:"
    assert machine["tracer"].startswith(tracer + " "), machine["tracer"]
    assert machine["event_counts"][prefix + "sched_switch"] > 100, machine["event_counts"]
    assert machine["event_counts"][prefix + "sched_wakeup"] > 100, machine["event_counts"]
    assert machine["lost_events"] == 0 and machine["diags"] == [], machine["diags"]
    assert {m["event"] for m in machine["missing"]}.isdisjoint({prefix + "sched_switch"}), machine["missing"]


SHOWS = {"trace-cmd": ["trace-cmd", "report", "-i"], "perf": ["perf", "script", "-F", "comm,event", "-i"]}


def check(path, tracer, status, said):
    """The recorder's own tool and vmscope read what was recorded."""
    assert status == 0 or tracer == "perf" or not finds_function_tracer(), (status, said)
    shown = subprocess.run([*SHOWS[tracer], path], check=False, env=ENV, text=True, stdout=subprocess.PIPE,
                           stderr=subprocess.DEVNULL).stdout
    assert shown.count("sched_switch: ") > 100 and "hrtimer_start: " in shown, (status, said, shown[:1000])
    check_with_vmscope(path, tracer)


def check_scripts(tracer):
    with tracing(tracer) as directory:
        for machine in MACHINES:
            status, said = record(directory, script(machine, tracer), f"{machine}.recording")
            check(directory / f"{machine}.recording", tracer, status, said)
            assert tracer != "trace-cmd" or int(setting("buffer_size_kb")) < 1500  # 1408 in whole sub-buffers


def test_trace_cmd_records():
    check_scripts("trace-cmd")


def test_perf_records():
    check_scripts("perf")


def test_commands_of_the_readme_record():
    blocks = re.findall(r"<!-- record -->\n\n((?: {4}.*\n)+)", pathlib.Path(README).read_text())
    assert len(blocks) == 3, blocks
    for block in blocks:
        command = "".join(line[4:] for line in block.splitlines(True))
        tracer = command.split()[0]
        wanted = re.search(r"-o (\S+)", command)[1]
        with tracing(tracer) as directory:
            check(directory / wanted, tracer, *record(directory, "exec " + command, wanted))


tap.run(globals())
