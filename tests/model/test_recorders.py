#!/usr/bin/python3
"""test_recorders.py VMSCOPE SIM DATA: what recordings of trace-cmd and perf say, against what is known of them; as TAP. DATA holds
the recordings that tests/data/README.md lists."""
import json
import pathlib
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent))
import tap  # noqa: E402

VMSCOPE, SIM, DATA = sys.argv[1:4]
HOST, GUEST = (f"{DATA}/trace-dat/{name}.dat" for name in ("host", "host-g1"))
KVM_STAT = f"{DATA}/perf-data/kvm-stat.perf.data"

# What `perf kvm stat report --event=vmexit` of perf 6.1 says of kvm-stat.perf.data: name of the reason as the kernel's
# header has it, times from an exit to the next entry, least, greatest and mean time in us.
PERF_SAYS = {"CPUID": (5346, 14.01, 2989.74, 21.22), "MSR": (3334, 18.40, 10188.84, 105.60),
             "INTR": (1533, 8.33, 8126.72, 108.05), "HLT": (1294, 27.39, 482753.37, 12674.81),
             "NPF": (524, 91.33, 1550.03, 163.75), "VINTR": (351, 13.17, 239.25, 28.66),
             "VMMCALL": (8, 107.86, 9387.03, 1625.13)}


def run(*args):
    return subprocess.run([VMSCOPE, *map(str, args)], check=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


class Results:
    """A results file that can be asked."""

    def __init__(self, *args):
        self.directory = tempfile.TemporaryDirectory()
        self.path = pathlib.Path(self.directory.name, "run.vms")
        self.report = run("analyze", "--all", "-o", self.path, *args).stdout

    def query(self, sql):
        return json.loads(run("query", "--format", "json", self.path, sql).stdout)

    def one(self, sql):
        (row,) = self.query(sql)
        return row


def simulate(directory, form, *options):
    subprocess.run([SIM, "--format", form, "--vms", "1", "--vcpus", "2", "--duration", "0.3", "--seed", "11", *options,
                    directory], check=True)


# ---- KVM's events alone -------------------------------------------------------------------------


def test_exits_are_those_of_perf_kvm_stat():
    rows = Results(KVM_STAT).query(
        "SELECT name, count(dur) AS n, min(dur) AS least, max(dur) AS most, avg(dur) AS mean FROM vm_exit GROUP BY name")
    said = {r["name"]: (r["n"], *(round(r[k] / 1000, 2) for k in ("least", "most", "mean"))) for r in rows}
    assert said == PERF_SAYS, said


def test_what_only_the_scheduler_knows_is_unknown():
    r = Results(KVM_STAT)
    states = {row["state"] for row in r.query("SELECT DISTINCT state FROM vcpu_state")}
    assert states == {"guest", "unknown"}, states
    parts = r.one("SELECT count(handled_ns) AS n, count(userspace_ns) AS u, count(preempted_ns) AS p, count(blocked_ns) AS b, "
                  "count(dur) AS durs, count(name) AS names, count(*) AS exits FROM vm_exit")
    assert (parts["n"], parts["u"], parts["p"], parts["b"]) == (0, 0, 0, 0), parts
    assert parts["durs"] == 12390 and parts["names"] == parts["exits"] == 12393, parts
    # From entry to exit, to the ns.
    guest = r.one("SELECT sum(dur) AS ns FROM vcpu_state WHERE state = 'guest'")["ns"]
    assert guest == entry_to_exit(), (guest, entry_to_exit())
    alone = subprocess.run([VMSCOPE, "analyze", "--section", "vcpus", KVM_STAT], check=True, text=True,
                           stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout
    for word in ("not known", "add sched_switch"):
        assert word in r.report and word in alone, word


def entry_to_exit():
    """The time between them, summed up from the listing."""
    entered, total = {}, 0
    for line in run("events", "--format", "json", KVM_STAT).stdout.splitlines():
        e = json.loads(line)
        if e["name"] == "kvm:kvm_entry":
            entered[e["context"]["tid"]] = e["ts"]
        elif e["name"] == "kvm:kvm_exit" and e["context"]["tid"] in entered:
            total += e["ts"] - entered.pop(e["context"]["tid"])
    return total


def test_vms_are_processes():
    vms = Results(KVM_STAT).query("SELECT m.name, m.pid, count(*) AS vcpus FROM vcpu v JOIN machine m ON m.id = v.machine_id "
                                  "GROUP BY 1 ORDER BY 2")
    assert vms == [{"name": "vm-132", "pid": 132, "vcpus": 1}, {"name": "vm-609", "pid": 609, "vcpus": 2}], vms


# ---- host and guest by trace-cmd ----------------------------------------------------------------


def check_guest(r):
    """The guest's CPU 0 is thread 147, as GUEST says; the clocks are right to what containment says."""
    vcpu = r.one("SELECT v.host_tid, v.vcpu_index, v.entries, v.exits FROM vcpu v JOIN machine m ON m.id = v.machine_id "
                 "WHERE m.name = 'host-g1'")
    assert (vcpu["host_tid"], vcpu["vcpu_index"]) == (147, 0), vcpu
    total = r.one("SELECT sum(entries) AS entries, sum(exits) AS exits FROM vcpu")
    listed = [json.loads(line)["name"] for line in
              run("events", "--format", "json", "--filter", "kvm_entry", "--filter", "kvm_exit", HOST).stdout.splitlines()]
    assert (total["entries"], total["exits"]) == (listed.count("kvm_entry"), listed.count("kvm_exit")), total
    clock = r.one("SELECT error_ns, violations, outside FROM sync WHERE method = 'containment' AND chosen = 1 LIMIT 1")
    assert clock["error_ns"] < 100000 and not clock["violations"] and not clock["outside"], clock
    assert r.one("SELECT count(*) AS n FROM thread_state s JOIN thread t ON t.id = s.thread_id JOIN machine m "
                 "ON m.id = t.machine_id WHERE m.name = 'host-g1' AND s.state = 'user'")["n"] > 100
    for section in ("Where all the time went", "Exits of host-g1", "Machines", "Clocks", "Who had the CPU"):
        assert section in r.report, section


def test_guest_that_the_recorder_tells_of():
    r = Results(HOST, GUEST)
    check_guest(r)
    agent = r.query("SELECT outside, constraints FROM sync WHERE method = 'agent'")
    assert agent and not any(a["outside"] for a in agent), agent
    assert "the clock that the recorder's agent gives it holds" in " ".join(r.report.split())


def test_guest_without_the_recorders_word():
    check_guest(Results("--sync", "containment", HOST, GUEST))


def test_containment_and_agent_agree():
    """At the guest's first and last event, both clocks differ by less than containment's bound."""
    by = {method: Results("--sync", method, HOST, GUEST).one(
        "SELECT first_ns, last_ns FROM machine WHERE name = 'host-g1'") for method in ("containment", "agent")}
    bound = Results(HOST, GUEST).one("SELECT max(error_ns) AS e FROM sync WHERE method = 'containment'")["e"]
    for end in ("first_ns", "last_ns"):
        assert abs(by["containment"][end] - by["agent"][end]) <= bound, (end, by, bound)


def test_rates_of_one_tsc_agree():
    """The guest counts the host's cycles. Each finds out of its own events how many there are in a second."""
    clocks = [m["clocks"][0] for m in json.loads(run("info", "--format", "json", HOST, GUEST).stdout)["machines"]]
    a, b = ((c["frequency"], c["frequency"] * c["frequency_error_ppb"] / 1e9) for c in clocks)
    assert 0 < a[1] < 100000 and 0 < b[1] < 100000, (a, b)
    assert abs(a[0] - b[0]) <= a[1] + b[1], (a, b)
    assert f"{a[0]} Hz within {clocks[0]['frequency_error_ppb']} ppb" in run("info", HOST, GUEST).stdout


# ---- any mix ------------------------------------------------------------------------------------


def totals(*args):
    r = Results(*args)
    return {(row["vcpu_index"], row["state"]): row["ns"] for row in r.query(
        "SELECT v.vcpu_index, s.state, sum(s.dur) AS ns FROM vcpu_state s JOIN vcpu v ON v.id = s.vcpu_id "
        "JOIN machine m ON m.id = v.machine_id WHERE m.name = 'g1' GROUP BY 1, 2")}, r.one(
        "SELECT m.parent_id IS NOT NULL AS tied FROM machine m WHERE m.name = 'g1'")["tied"]


def test_formats_mix():
    """A host and its guest need not be recorded by the same tracer: the vCPUs did the same to the ns."""
    with tempfile.TemporaryDirectory() as directory:
        machines = {}
        for form, end in ("ctf", ""), ("trace.dat", ".dat"), ("perf.data", ".perf.data"):
            simulate(f"{directory}/{form}", form)
            machines[form] = [f"{name}={directory}/{form}/{name}{end}" for name in ("host", "g1")]
        expected, _ = totals(*machines["trace.dat"])
        for host, guest in (("trace.dat", "perf.data"), ("trace.dat", "ctf"), ("perf.data", "trace.dat"), ("ctf", "trace.dat")):
            found, tied = totals(machines[host][0], machines[guest][1])
            assert tied, (host, guest)
            # The lanes end where the last recording does, which is not the same instant to the ns.
            for key, ns in expected.items():
                assert abs(found.get(key, 0) - ns) < 2000000, (host, guest, key, found.get(key), ns)


def test_names_say_which_machine():
    """By the file, or the folder, or the host name where neither says anything."""
    with tempfile.TemporaryDirectory() as directory:
        root = pathlib.Path(directory, "rec")
        for place in ("web1.dat", "db/trace.dat", "trace.dat"):
            (root / place).parent.mkdir(parents=True, exist_ok=True)
            (root / place).write_bytes(pathlib.Path(GUEST).read_bytes())

        def names(*paths):
            return [m["name"] for m in json.loads(run("info", "--format", "json", *paths).stdout)["machines"]]

        assert names(root) == ["db", "g1", "web1"], names(root)
        assert names(root / "trace.dat") == ["g1"]
        assert names(root / "db/trace.dat") == ["g1"]
        assert names(f"x={root}/trace.dat") == ["x"]
        # The bytes say what it is, not the name.
        (root / "web1.dat").rename(root / "web1")
        assert names(root / "web1") == ["web1"]


if __name__ == "__main__":
    tap.run(dict(globals()))
