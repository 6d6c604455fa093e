#!/usr/bin/python3
"""test_cli.py VMSCOPE SAMPLES DATA: the command line as a user meets it; as TAP."""
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import tap  # noqa: E402 pylint: disable=wrong-import-position

VMSCOPE, SAMPLES, DATA = sys.argv[1:4]
HOST = f"{DATA}/one-qemu-kvm/host"
GUEST = f"{DATA}/one-qemu-kvm/guest"
BOTH = f"{DATA}/one-qemu-kvm"
SAMPLE = f"{SAMPLES}/one-guest"
ENV = {**os.environ, "TZ": "UTC", "LC_ALL": "C"}


def vmscope(*args, status=0, **options):
    """Return: (what it wrote to stdout, to stderr)."""
    done = subprocess.run([VMSCOPE, *args], text=True, errors="surrogateescape", env=ENV,
                          timeout=120, stdout=options.pop("stdout", subprocess.PIPE),
                          stderr=subprocess.PIPE, **options)
    assert done.returncode == status, f"{args}: status {done.returncode}, not {status}\n{done.stderr}"
    return done.stdout, done.stderr


def one_line(text, *words):
    assert text.count("\n") == 1 and text.startswith("vmscope"), f"not one line: {text!r}"
    for word in words:
        assert word in text, f"{word!r} is not in {text!r}"


def shapes(directory):
    maker = pathlib.Path(__file__).with_name("make_shapes.py")
    subprocess.run([sys.executable, maker, directory], check=True)
    return pathlib.Path(directory)


def test_help_is_on_stdout():
    out, err = vmscope("--help")
    assert err == ""
    for command in ("check", "events", "info", "query", "record"):
        assert f"  {command} " in out
        whole, err = vmscope(command, "--help")
        assert whole == vmscope("help", command)[0] and whole.startswith(f"usage: vmscope {command} ")
        assert err == "" and max(map(len, whole.splitlines())) <= 90


def test_version():
    assert vmscope("--version")[0].startswith("vmscope 0.")


def test_no_output_in_place_of_an_input():
    with tempfile.TemporaryDirectory() as directory:
        traces, other = pathlib.Path(directory, "traces"), pathlib.Path(directory, "other")
        shutil.copytree(SAMPLE, traces)
        stream = next(p for p in sorted(traces.rglob("*")) if p.is_file() and p.name.endswith("_0"))
        other.symlink_to(stream)
        kept = stream.read_bytes()
        for output in stream, other:
            said = vmscope("analyze", "-o", output, traces, status=2)[1]
            assert "would replace" in said and said.count("\n") == 1, said
            assert stream.read_bytes() == kept
        # A stream that is a link is read as well.
        kept_elsewhere = pathlib.Path(directory, "elsewhere")
        stream.rename(kept_elsewhere)
        stream.symlink_to(kept_elsewhere)
        assert "would replace" in vmscope("analyze", "-o", kept_elsewhere, traces, status=2)[1]
        assert kept_elsewhere.read_bytes() == kept
        # Results of the same recording may stand beside it, and be made again.
        for _ in range(2):
            vmscope("analyze", "-o", traces / "run.vms", traces)
        for form in "sqlite", "html", "perfetto":
            assert "would replace" in vmscope("export", "--to", form, "-o", traces / "run.vms", traces / "run.vms", status=2)[1]
        vmscope("report", traces / "run.vms")


def test_usage_errors_say_what_to_do():
    for args, words in [
            (["nonsense"], ["'nonsense'", "--help"]),
            (["help", "nonsense"], ["'nonsense'"]),
            (["events"], ["trace", "vmscope help events"]),
            (["info"], ["trace", "vmscope help info"]),
            (["events", "--nonsense", HOST], ["'--nonsense'", "vmscope help events"]),
            (["events", "-x", HOST], ["'-x'"]),
            (["events", HOST, "--format"], ["'--format'", "value"]),
            (["events", "--format", "xml", HOST], ["text or json", "'xml'"]),
            (["events", "--clock-gmt=1", HOST], ["'--clock-gmt'", "no value"]),
            (["info", "--top", "x", HOST], ["--top", "'x'"]),
            (["record", "--for", "10 miles"], ["--for", "'10 miles'"]),
            (["record", "--guest", "../x"], ["--guest", "'../x'"]),
            (["record", "--flight", "2s", "--tracer", "perf"], ["--flight"]),
            (["record", "--print", "both"], ["host or guest", "'both'"]),
            (["record", "--print", "host", "--tracer", "dtrace"], ["tracefs, trace-cmd, perf or lttng", "'dtrace'"]),
            (["record", "--print", "host", "trace"], ["'trace'"]),
            (["analyze", "--sync", "magic", HOST], ["auto, vmsync, containment, tsc, agent or none", "'magic'"]),
            (["analyze", "--vm", "g1", HOST], ["NAME=PID", "'g1'"]),
            (["analyze", "--vm", "=132", HOST], ["NAME=PID"]),
            (["analyze", "--vm", "g1=132x", HOST], ["NAME=PID"]),
            (["analyze", "--vm", "g1=-5", HOST], ["NAME=PID"]),
            (["analyze", "--vm", "g1=1", "--vm", "g1=2", HOST], ["twice", "'g1'"]),
            (["analyze", "--tsc", "g1=", HOST], ["NAME=OFFSET,RATIO,FRAC"]),
            (["analyze", "--tsc", "g1=1,2", HOST], ["NAME=OFFSET,RATIO,FRAC"]),
            (["analyze", "--tsc", "g1=1,0,48", HOST], ["NAME=OFFSET,RATIO,FRAC"]),
            (["analyze", "--tsc", "g1=1,-2,48", HOST], ["NAME=OFFSET,RATIO,FRAC"]),
            (["analyze", "--tsc", "g1=1,2,64", HOST], ["NAME=OFFSET,RATIO,FRAC"]),
            (["analyze", "--tsc", "g1=9223372036854775808", HOST], ["NAME=OFFSET,RATIO,FRAC"]),
            (["analyze", "--tsc", "g1=1", "--tsc", "g1=1", HOST], ["twice", "'g1'"]),
            (["analyze", "--clock-offset", "g1=1,5", HOST], ["NAME=NS,SLOPE"]),
            (["analyze", "--clock-offset", "g1=1s", HOST], ["NAME=NS,SLOPE"])]:
        out, err = vmscope(*args, status=2)
        assert out == "", args
        one_line(err, *words)
    assert "usage:" in vmscope(status=2)[1]


def test_no_trace():
    for command in ("analyze", "events", "info"):
        one_line(vmscope(command, "/nonexistent", status=1)[1], "/nonexistent", "No such file")
        one_line(vmscope(command, f"{HOST}/metadata", status=1)[1], "no recording", "it is not")
        with tempfile.TemporaryDirectory() as empty:
            one_line(vmscope(command, empty, status=1)[1], empty, "no recording", "nothing in it is")
        with tempfile.TemporaryDirectory() as other:
            pathlib.Path(other, "metadata").write_text("hello")
            one_line(vmscope(command, other, status=1)[1], other, "no trace could be read", "'hello'")


def test_a_results_file_is_no_trace():
    with tempfile.TemporaryDirectory() as directory:
        run = f"{directory}/run.vms"
        vmscope("analyze", "-o", run, f"{SAMPLE}/host")
        one_line(vmscope("analyze", run, status=1)[1], "is a results file", "report")


def names_of(*traces):
    return [m["name"] for m in json.loads(vmscope("info", "--format", "json", *traces)[0])["machines"]]


def test_machines_are_named_by_their_directories():
    """As LTTng lays sessions out, whatever the directories above are called."""
    chunk = "archives/20261123T010000+0000-20261123T010005+0000-0/kernel"
    for layout in "", "kernel", chunk, "snapshot-1-20261123-010000-0/kernel":
        for above in "rec", "archives", "snapshot":
            with tempfile.TemporaryDirectory() as directory:
                root = pathlib.Path(directory, above)
                shutil.copytree(HOST, root / "web" / layout)
                shutil.copytree(GUEST, root / "db" / layout)
                assert names_of(root) == ["db", "web"], (layout, above)
                assert names_of(root / "web", root / "db") == ["web", "db"], (layout, above)
                assert names_of(root / "web" / layout) == ["web"], (layout, above)
                assert names_of(f"x={root}/web", f"x={root}/db") == ["x", "x#2"]
                shutil.copytree(SAMPLE, root / "sample")
                assert names_of(*(f"x={m}" for m in (root / "web", root / "db", root / "sample"))) == [
                    "x", "x#2", "x#3", "x#4"]
    with tempfile.TemporaryDirectory() as directory:
        shutil.copytree(HOST, f"{directory}/web/{chunk}")
        assert names_of(f"{directory}/web/archives") == ["web"]


def test_a_trace_that_is_named_twice_counts_once():
    machines = json.loads(vmscope("info", "--format", "json", SAMPLE)[0])["machines"]
    twice, err = vmscope("info", "--format", "json", SAMPLE, f"{SAMPLE}/host")
    assert err == ""
    assert [(m["name"], m["events"]) for m in json.loads(twice)["machines"]] == [
        (m["name"], m["events"]) for m in machines]


def test_what_may_not_be_read_is_said():
    anyone = {"user": 65534, "group": 65534} if not os.geteuid() else {}
    with tempfile.TemporaryDirectory() as directory:
        os.chmod(directory, 0o755)
        program = shutil.copy(VMSCOPE, directory)
        os.chmod(program, 0o755)
        shutil.copytree(BOTH, f"{directory}/rec")
        os.chmod(f"{directory}/rec", 0o755)
        os.chmod(f"{directory}/rec/guest", 0)

        def run(*args):
            return subprocess.run([program, *args], env=ENV, text=True, timeout=60,
                                  capture_output=True, **anyone)

        try:
            both, guest = run("info", "--strict", f"{directory}/rec"), run("info", f"{directory}/rec/guest")
        finally:
            os.chmod(f"{directory}/rec/guest", 0o755)
    assert both.returncode == 3 and "host" in both.stdout, both
    one_line(both.stderr, "rec/guest'", "Permission denied")
    assert guest.returncode == 1 and guest.stdout == "", guest
    assert "Permission denied" in guest.stderr, guest


def test_options_name_machines_that_exist():
    for args, words in [
            (["--clock-offset", "g9=5"], ["'g9'", "vmscope info"]),
            (["--tsc", "g9=5"], ["'g9'", "vmscope info"]),
            (["--tsc", "g1=5"], ["--tsc g1", "TSC as their clock"]),
            (["--tsc", "host=5"], ["--tsc host", "whose guest"]),
            (["--vm", "g1=7"], ["--vm g1", "process 7"])]:
        one_line(vmscope("analyze", *args, SAMPLE, status=1)[1], *words)


def test_the_user_says_whose_guest_it_is():
    args = ["--sync", "none", "--format", "json", "--section", "machines"]
    for said, pid in ([], None), (["--vm", "g1=132"], 132):
        machines = json.loads(vmscope("analyze", *args, *said, SAMPLE)[0])["machines"]
        guest = next(m for m in machines if m["name"] == "g1")
        assert guest["pid"] == pid, guest
    assert "said by the user" in guest["evidence"]


def test_the_user_says_how_a_vm_without_trace_is_called():
    args = ["--format", "json", "--section", "machines"]
    for said, name in ([], "vm-132"), (["--vm", "web1=132"], "web1"):
        machines = json.loads(vmscope("analyze", *args, *said, f"{SAMPLE}/host")[0])["machines"]
        assert [m["name"] for m in machines if m["pid"] == 132] == [name], machines


def test_bad_times():
    for time in ("", "x", "1.2.3", "12:00", "25:00:00", "2026-13-01 00:00:00", "99999999999999999999",
                 "1.0000000000", "10:00:00.5x"):
        one_line(vmscope("events", "--begin", time, HOST, status=2)[1], "--begin", "HH:MM:SS")


def test_times_from_the_begin():
    first, later = (vmscope("events", "--begin", begin, HOST)[0].splitlines()
                    for begin in ("+0", "+0.00000002"))
    assert 1 < len(later) < len(first) and first[1 - len(later):] == later[1:], (first, later)


def test_bad_times_from_the_begin():
    with tempfile.TemporaryDirectory() as directory:
        run = f"{directory}/run.vms"
        vmscope("analyze", "-o", run, BOTH)
        for time in "+", "+1e30", "+x", "+1:00", "+9999999999999":
            one_line(vmscope("report", "--begin", time, run, status=2)[1], f"'{time}'", "+seconds")


def test_closed_pipe_is_success():
    with subprocess.Popen([VMSCOPE, "events", SAMPLE], env=ENV, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE) as process:
        assert process.stdout.readline().startswith(b"[")
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(timeout=60) == 0


def test_a_file_cut_while_it_is_read_is_damaged():
    with tempfile.TemporaryDirectory() as directory:
        trace = pathlib.Path(shutil.copytree(f"{SAMPLE}/host/kernel", f"{directory}/host"))
        with subprocess.Popen([VMSCOPE, "events", "--strict", trace], env=ENV, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE) as process:
            process.stdout.readline()
            for stream in trace.glob("k_*"):
                os.truncate(stream, stream.stat().st_size // 2)
            out, err = process.communicate(timeout=60)
        assert process.returncode == 3, (process.returncode, err)
        assert 80000 < out.count(b"\n") < 100000, "what is in front of the cut, and no more"
        one_line(err.decode(), "damage: event-class-unknown, 2 times")


def test_full_disk_is_failure():
    for args in (["events", SAMPLE], ["info", SAMPLE], ["--help"]):
        with open("/dev/full", "w") as full:
            _, err = vmscope(*args, status=1, stdout=full)
        one_line(err, "cannot write", "No space left")


HOST_TEXT = """\
[00:00:00.000000001] (+?.?????????) host sched_switch: { cpu_id = 0 }, { prev_comm = "any", prev_tid = 30, \
prev_prio = 20, prev_state = 0, next_comm = "qemucpu1", next_tid = 31, next_prio = 20 }
[00:00:00.000000005] (+0.000000004) host kvm_entry: { cpu_id = 0 }, { vcpu_id = 0 }
[00:00:00.000000045] (+0.000000040) host kvm_exit: { cpu_id = 0 }, { exit_reason = 32, guest_rip = 123456, \
isa = 1, info1 = 654654, info2 = 456789 }
"""


def test_text():
    out, err = vmscope("events", HOST)
    assert out.startswith(HOST_TEXT), out[:600]
    assert out.count("\n") == 22 and err == ""


def test_several_traces_are_one_sequence():
    both = [json.loads(line) for line in vmscope("events", "--format", "json", BOTH)[0].splitlines()]
    assert len(both) == 22 + 13
    assert [e["ts"] for e in both] == sorted(e["ts"] for e in both)
    for name, path in (("host", HOST), ("guest", GUEST)):
        alone = [json.loads(line) for line in vmscope("events", "--format", "json", path)[0].splitlines()]
        assert [e for e in both if e["trace"] == name] == alone
    # The order of the arguments decides between equal times.
    swapped = vmscope("events", "--format", "json", GUEST, HOST)[0].splitlines()
    assert sorted(swapped) == sorted(vmscope("events", "--format", "json", HOST, GUEST)[0].splitlines())


def test_json_line():
    line = vmscope("events", "--format", "json", HOST)[0].splitlines()[2]
    assert line == ('{"ts":45,"trace":"host","cpu":0,"name":"kvm_exit","fields":{"exit_reason":32,'
                    '"guest_rip":123456,"isa":1,"info1":654654,"info2":456789}}'), line


def test_names():
    out = vmscope("events", f"alpha={HOST}")[0]
    assert " alpha kvm_entry: " in out and " host " not in out
    out = vmscope("events", "--format", "json", f"alpha={HOST}")[0]
    assert '"trace":"alpha"' in out


def test_filters():
    every = vmscope("events", "--format", "json", BOTH)[0].splitlines()
    for filters, wanted in ((["kvm_entry"], {"kvm_entry"}), (["kvm_*"], {"kvm_entry", "kvm_exit"}),
                            (["kvm_entry", "sched_switch"], {"kvm_entry", "sched_switch"}),
                            (["*"], {json.loads(line)["name"] for line in every})):
        args = [word for f in filters for word in ("--filter", f)]
        out, err = vmscope("events", "--format", "json", *args, BOTH)
        assert out.splitlines() == [line for line in every if json.loads(line)["name"] in wanted]
        assert out and err == ""
    out, err = vmscope("events", "--filter", "kvm_entri", HOST)
    assert out == ""
    one_line(err, "'kvm_entri'")


def test_range_is_inclusive_in_every_form():
    for begin, end in (("45", "100"), ("0.000000045", "0.0000001"),
                       ("00:00:00.000000045", "00:00:00.0000001"),
                       ("1970-01-01 00:00:00.000000045", "1970-01-01T00:00:00.0000001")):
        out = vmscope("events", "--format", "json", "--begin", begin, "--end", end, HOST)[0]
        times = [json.loads(line)["ts"] for line in out.splitlines()]
        every = [json.loads(line)["ts"] for line in vmscope("events", "--format", "json", HOST)[0].splitlines()]
        assert times == [t for t in every if 45 <= t <= 100], (begin, times)
        assert times[0] == 45 and times[-1] == 100, times
    one_line(vmscope("events", "--begin", "1000", HOST, status=2)[1], "outside", "00:00:00.000000355Z")
    one_line(vmscope("events", "--end", "0", HOST, status=2)[1], "outside", "00:00:00.000000001Z")


def test_range_of_a_real_recording():
    every = vmscope("events", SAMPLE)[0].splitlines()
    first, last = every[1000][1:19], every[90000][1:19]
    out = vmscope("events", "--begin", first, "--end", last, SAMPLE)[0].splitlines()
    inside = [line for line in every if first <= line[1:19] <= last]
    assert [line[40:] for line in out] == [line[40:] for line in inside]
    assert len(out) >= 89001


def test_clock_options():
    def first(*args, tz="UTC"):
        done = subprocess.run([VMSCOPE, "events", *args, f"{SAMPLE}/g1"], env={**ENV, "TZ": tz}, text=True,
                              stdout=subprocess.PIPE, check=True)
        return done.stdout.splitlines()[0].split("]")[0]
    assert first() == "[01:18:03.978719976"
    assert first(tz="UTC-2") == "[03:18:03.978719976"
    assert first("--clock-gmt", tz="UTC-2") == "[01:18:03.978719976"
    assert first("--clock-date", tz="UTC-23") == "[2026-11-24 00:18:03.978719976"
    assert first("--clock-seconds", tz="UTC-2") == "[1795396683.978719976"
    assert first("--begin", "03:18:04", "--clock-date", tz="UTC-2") >= "[2026-11-23 03:18:04"


def test_losses_are_shown():
    with tempfile.TemporaryDirectory() as directory:
        trace = shapes(directory)
        out, err = vmscope("events", "--filter", "texts", trace)
        lost = [line for line in out.splitlines() if " (lost): " in line]
        assert [line[line.index("{"):] for line in lost] == [
            "{ cpu_id = 0 }, { events = 3, until = 22:13:24.294984801 }",
            "{ cpu_id = 1 }, { events = 3, until = 22:13:24.294984804 }"], lost
        one_line(err, "events-lost", "6 times")
        out, _ = vmscope("events", "--format", "json", trace, "--strict", status=3)
        assert [json.loads(line)["lost"] for line in out.splitlines() if '"lost"' in line] == [
            {"events": 3, "until": 1700000004294984801}, {"events": 3, "until": 1700000004294984804}]
        info = json.loads(vmscope("info", "--format", "json", "--strict", trace, status=3)[0])
        assert info["machines"][0]["lost_events"] == 6
        assert "6 events" in vmscope("info", trace)[0]


def test_text_of_every_shape():
    with tempfile.TemporaryDirectory() as directory:
        out = vmscope("events", "--clock-gmt", shapes(directory))[0]
    for part in ("octal = 07773, signed_bits = 0b11001, least = -9223372036854775808, "
                 "greatest = 18446744073709551615, single = 0.1, real = -1.5e+300",
                 'several = ( "many", "some" : container = 5 ), unknown = ( <unknown> : container = 200 )',
                 "value = { 4000000000 }", 'value = { "text" }', "where = [ [0] = { { x = 1, y = 2 } }",
                 r'escapes = "\x01 tab\t nl\n cr\r bell\a esc\e del\x7f quote\" \' \? \\"',
                 "s = { a = 7, none = { }, inner = { deep = 9 } }", "empty = [ ]"):
        assert part in out, part


def test_damage_is_survived():
    with tempfile.TemporaryDirectory() as directory:
        trace = shapes(directory)
        whole = vmscope("events", trace)[0].splitlines()
        stream = trace / "stream_1"
        data = stream.read_bytes()
        stream.write_bytes(data[:-100])
        out, err = vmscope("events", trace)
        assert "packet-cut" in err and "stream_1" in err, err
        kept = [line for line in out.splitlines() if " (lost): " not in line]
        assert 0 < len(kept) < len(whole) and "until = end" in out
        vmscope("events", "--strict", trace, status=3)
        vmscope("events", trace)
        (trace / "metadata").write_text("nonsense")
        one_line(vmscope("events", trace, status=1)[1], "metadata")


def test_clocks_that_cannot_be():
    with tempfile.TemporaryDirectory() as directory:
        metadata = pathlib.Path(shapes(f"{directory}/shapes"), "metadata")
        good = metadata.read_text()

        def with_clock(old, new):
            assert old in good
            metadata.write_text(good.replace(old, new))

        with_clock("freq = 1000000000", "freq = 0")
        out, err = vmscope("info", f"{directory}/shapes")
        assert "1000000000 Hz" in out and "frequency is 0" in err
        # A guest whose clock was never set is decades away from its host.
        with_clock("offset_s = 1700000000", "offset_s = 0")
        out, _ = vmscope("analyze", "--all", f"host={SAMPLE}/host", f"guest={directory}/shapes")
        assert "clock-not-synchronized (guest)" in out and "77.1 %" in out
        with_clock("offset_s = 1700000000", "offset_s = 9000000000000000000")
        one_line(vmscope("analyze", HOST, f"guest={directory}/shapes", status=1)[1], "'guest'",
                 "--clock-offset")
    for ns in -2**63, 2**63 - 1:
        one_line(vmscope("analyze", "--clock-offset", f"g1={ns}", SAMPLE, status=1)[1], "'g1'",
                 "--clock-offset")


def test_a_bad_trace_beside_a_good_one():
    with tempfile.TemporaryDirectory() as directory:
        shutil.copytree(HOST, f"{directory}/good")
        os.mkdir(f"{directory}/bad")
        pathlib.Path(directory, "bad", "metadata").write_text("/* CTF 1.8 */ trace {")
        out, err = vmscope("events", directory)
        assert out.count("\n") == 22
        assert "bad/metadata" in err
        vmscope("events", "--strict", directory, status=3)


def test_info_of_the_sample():
    machines = {m["name"]: m for m in json.loads(vmscope("info", "--format", "json", SAMPLE)[0])["machines"]}
    host, guest = machines["host"], machines["g1"]
    assert (host["role"], guest["role"]) == ("host", "guest")
    assert (host["events"], guest["events"]) == (171437, 107906)
    assert host["event_counts"]["kvm_x86_entry"] == host["event_counts"]["kvm_x86_exit"] == 12855
    assert sum(host["event_counts"].values()) == 171437
    assert (host["cpus"], guest["cpus"]) == ([0, 1], [0])
    assert host["tracer"] == "lttng-modules 2.13.9" and host["hostname"] == "l1host"
    assert host["first_ns"] == 1795396679191196227 and host["lost_events"] == 0
    assert host["clocks"][0]["offset_ns"] == 1795396634974587812
    missing = {m["event"]: m["state"] for m in host["missing"]}
    assert missing == {"kvm_userspace_exit": "never recorded"}, missing
    text = vmscope("info", "--top", "3", SAMPLE)[0]
    assert "12,855   7.5%  kvm_x86_entry" in text and "and 202 more kinds" in text
    assert max(map(len, text.splitlines())) <= 100


def test_info_says_what_is_lost():
    text = vmscope("info", HOST)[0]
    assert "role      host: 11 KVM entries and exits" in text
    assert "sched_process_fork" in text and "belong to no process" in text
    # A machine that tells nothing of its role is looked at as a guest.
    with tempfile.TemporaryDirectory() as directory:
        text = vmscope("info", shapes(directory))[0]
    assert "role      unknown" in text and "sched_switch (essential)" in text
    assert "kvm_x86_entry" not in text


def test_check_finds_what_is_damaged():
    with tempfile.TemporaryDirectory() as directory:
        run = pathlib.Path(directory, "run.vms")
        vmscope("analyze", "-o", run, BOTH)
        out, err = vmscope("check", run)
        assert err == "" and out.startswith(f"{run}: sound; ") and out.count("\n") == 1
        data = bytearray(run.read_bytes())
        data[100] ^= 1  # in the first block: opening does not look there
        run.write_bytes(data)
        out, err = vmscope("check", run, status=1)
        assert "is damaged at byte 88: a block's checksum is wrong" in out.splitlines()[0]
        assert err == "" and out.splitlines()[-1].startswith(f"{run}: damaged; ")
        run.write_bytes(data[:-1])
        one_line(vmscope("check", run, status=1)[1], "a part is missing")
    one_line(vmscope("check", __file__, status=1)[1], "is not a vmscope results file")


tap.run(globals())
