#!/usr/bin/python3
"""test_perfetto.py VMSCOPE SIM MAKE_FILES SAMPLES: Perfetto traces hold what SQL says; as TAP."""
import collections
import functools
import shutil
import subprocess

import perfetto_reader
import recordings
from recordings import CROWD, EMPTY, FAR, HOSTILE, SAMPLE, export, query

IDLE = {"vcpu_state": ["halted", "absent"], "thread_state": ["blocked", "dead"], "cpu_state": ["idle"]}
THREAD = "iif(t.tid = 0, 'idle', coalesce(t.comm, '?') || ' (' || t.tid || ')')"

# What of a row a slice has as arguments; ids as the names of whom they are of.
NAMES = {
    "thread": f"SELECT t.id, coalesce(m.name || ' vCPU ' || v.vcpu_index, {THREAD}) AS name FROM thread t "
              "LEFT JOIN vcpu v ON v.id = t.vcpu_id LEFT JOIN machine m ON m.id = v.machine_id",
    "vcpu": "SELECT v.id, m.name || ' vCPU ' || v.vcpu_index AS name FROM vcpu v "
            "JOIN machine m ON m.id = v.machine_id",
    "machine": "SELECT id, name FROM machine",
    "guest_thread": f"SELECT t.id, coalesce(m.name || ' ', '') || {THREAD} AS name FROM thread t "
                    "LEFT JOIN machine m ON m.id = t.machine_id",
}
REFERENCES = {"occupant_thread_id": "thread", "thread_id": "thread", "guest_thread_id": "thread",
              "vm_id": "machine", "vcpu_id": "vcpu"}
KEYS = {"vcpu_state": ["vcpu_id"], "thread_state": ["thread_id"], "cpu_state": ["machine_id", "cpu"]}


@functools.lru_cache(None)
def trace(file, *args):
    return perfetto_reader.Trace(export(file, "perfetto", *args))


@functools.lru_cache(None)
def names(file):
    return {table: {row["id"]: row["name"] for row in query(file, sql)} for table, sql in NAMES.items()}


def name_of_lane(file, table, row):
    """The last name on the way to its track, and that of its machine."""
    if table == "vcpu_state":
        name = names(file)["vcpu"][row["vcpu_id"]]
        return name.rsplit(" vCPU ", 1)[0], name
    if table == "cpu_state":
        return names(file)["machine"][row["machine_id"]], f"CPU {row['cpu']}"
    thread = query_threads(file)[row["thread_id"]]
    return names(file)["machine"][thread], names(file)["thread"][row["thread_id"]]


@functools.lru_cache(None)
def query_threads(file):
    return {row["id"]: row["machine_id"] for row in query(file, "SELECT id, machine_id FROM thread")}


def family(table):
    return table.split("_", maxsplit=1)[0]


def args_of(file, table, row):
    found = {}
    for column, value in row.items():
        if column in KEYS[table] + ["ts", "dur", "state"] or value is None:
            continue
        if column in REFERENCES:
            found[column[:-3]] = names(file)[REFERENCES[column]][value]
        else:
            found[column] = value
    return found


def about(file, table, row):
    """What the name of a slice says besides the state."""
    state, who = row["state"], names(file)
    if table == "thread_state":
        return row["syscall"]
    if table == "vcpu_state":
        if state in ("preempted", "waiting"):
            return row["occupant_handler"] or who["thread"].get(row["occupant_thread_id"])
        return row["exit_name"] if state in ("hypervisor", "userspace", "blocked") else None
    if state == "vm":
        return (who["guest_thread"].get(row["guest_thread_id"]) or who["vcpu"].get(row["vcpu_id"]) or
                who["machine"].get(row["vm_id"]))
    return who["thread"].get(row["thread_id"]) if state in ("user", "syscall") else None


def wanted_slices(file, table, idle=False, begin=None, end=None):
    """(machine, lane) -> its slices, as SQL has them."""
    lanes = collections.defaultdict(list)
    where = "" if begin is None else f" WHERE ts < {end} AND ts_end > {begin}"
    for row in query(file, f"SELECT * FROM {table}{where}"):
        if row["state"] in IDLE[table] and not idle:
            continue
        name = row["state"]
        if about(file, table, row):
            name += f": {about(file, table, row)}"
        first, last = row["ts"], row["ts"] + row["dur"]
        if begin is not None:
            first, last = max(first, begin), min(last, end)
        lanes[name_of_lane(file, table, row)].append(
            (first, last, name, f"{family(table)}.{row['state']}",
             tuple(sorted(args_of(file, table, row).items()))))
    return {lane: sorted(slices) for lane, slices in lanes.items()}


def got_slices(t):
    """The same of a trace, by family of states."""
    lanes = collections.defaultdict(lambda: collections.defaultdict(list))
    for uuid in t.tracks:
        path = t.path(uuid)
        machine = path[0].split(" (guest of ")[0]
        for s in t.slices(uuid)[0]:
            lanes[s.category.split(".")[0]][machine, path[-1]].append(
                (s.begin, s.end, s.name, s.category, tuple(sorted(s.args.items()))))
    return {kind: {lane: sorted(slices) for lane, slices in of.items()} for kind, of in lanes.items()}


def compare(file, t, **how):
    got = got_slices(t)
    for table in KEYS:
        wanted = wanted_slices(file, table, **how)
        assert wanted, table
        assert set(got[family(table)]) == set(wanted), set(got[family(table)]) ^ set(wanted)
        for lane, slices in wanted.items():
            for w, g in zip(slices, got[family(table)][lane]):
                assert w == g, f"{lane}: wanted {w}, got {g}"
            assert len(slices) == len(got[family(table)][lane]), lane


def test_every_interval_of_the_sample():
    compare(SAMPLE, trace(SAMPLE))


def test_every_interval_of_a_crowd():
    compare(CROWD, trace(CROWD))


def test_idle_states_when_asked_for():
    compare(CROWD, trace(CROWD, "--idle"), idle=True)


def test_a_range_is_cut_out_to_the_ns():
    first = query(SAMPLE, "SELECT min(first_ns) AS t FROM vcpu_state_total")[0]["t"]
    begin, end = first + 2000000007, first + 3000000011
    compare(SAMPLE, trace(SAMPLE, "--begin", str(begin), "--end", str(end)), begin=begin, end=end)


def test_one_vm_alone():
    """What it did, its threads, and the CPUs of its host: to the ns as without a choice."""
    whole, some = got_slices(trace(CROWD)), got_slices(trace(CROWD, "--vm", "g2"))
    assert some == {kind: {lane: slices for lane, slices in lanes.items()
                           if lane[0] in (["g2", "host"] if kind == "cpu" else ["g2"])}
                    for kind, lanes in whole.items()}
    assert all(some.values()) and set(some) == {"vcpu", "cpu", "thread"}
    one = got_slices(trace(CROWD, "--vm", "g2", "--vcpu", "1"))
    assert list(one["vcpu"]) == [("g2", "g2 vCPU 1")] and one["thread"] == some["thread"]


def test_slices_of_all_lanes_add_up():
    """With idle ones, each vCPU's slices leave no gap."""
    t = trace(CROWD, "--idle")
    for row in query(CROWD, "SELECT vcpu_id, sum(dur) AS ns FROM vcpu_state_total GROUP BY 1"):
        uuid = next(u for u in t.tracks if t.path(u)[-1] == names(CROWD)["vcpu"][row["vcpu_id"]])
        slices = t.slices(uuid)[0]
        assert sum(s.end - s.begin for s in slices) == row["ns"]
        assert all(a.end == b.begin for a, b in zip(slices, slices[1:]))


def takeovers(file):
    """(name of the vCPU that loses its CPU, name of who gets it, when)."""
    found = query(file, """
        WITH s AS (SELECT *, lag(state) OVER (PARTITION BY vcpu_id ORDER BY ts) AS before FROM vcpu_state)
        SELECT vcpu_id, occupant_thread_id AS by, ts FROM s
        WHERE state = 'preempted' AND before IN ('guest', 'hypervisor', 'userspace')
            AND by IS NOT NULL AND (EXISTS (SELECT 1 FROM thread t, vcpu_state v
                WHERE t.id = s.occupant_thread_id AND v.vcpu_id = t.vcpu_id AND v.ts = s.ts)
            OR EXISTS (SELECT 1 FROM thread t, thread_state h
                WHERE t.id = s.occupant_thread_id AND t.vcpu_id IS NULL AND h.thread_id = t.id
                AND h.ts = s.ts AND h.state NOT IN ('blocked', 'dead')))""")
    return sorted((names(file)["vcpu"][r["vcpu_id"]], names(file)["thread"][r["by"]], r["ts"]) for r in found)


def wakeups(file):
    """(who wakes, who is woken, when, when it runs)."""
    found = query(file, """
        SELECT w.waker_thread_id AS by, w.thread_id AS of, w.ts, w.ts + w.run_ns AS ran FROM wakeup w
        WHERE run_ns IS NOT NULL
            AND EXISTS (SELECT 1 FROM thread_state_total t WHERE t.thread_id = w.waker_thread_id)
            AND EXISTS (SELECT 1 FROM thread_state s WHERE s.thread_id = w.thread_id
                AND s.ts = w.ts + w.run_ns AND s.state NOT IN ('blocked', 'dead'))""")
    who = names(file)["thread"]
    return sorted((who[r["by"]], who[r["of"]], r["ts"], r["ran"]) for r in found)


def flows(t):
    """Flow id -> where it comes from, where it goes."""
    sources, targets = {}, {}
    for uuid in t.tracks:
        slices, instants = t.slices(uuid)
        for event in slices + instants:
            for flow in event.flows_out:
                assert flow not in sources, "two begins of one flow"
                sources[flow] = (t.path(uuid)[-1], event)
        for s in slices:
            for flow in s.flows_in:
                assert flow not in targets, "two ends of one flow"
                targets[flow] = (t.path(uuid)[-1], s)
    assert set(targets) <= set(sources), "a flow ends that never began"
    for flow, (_, target) in targets.items():
        source = sources[flow][1]
        begin = source.begin if isinstance(source, perfetto_reader.Slice) else source.ts
        assert begin <= target.begin, "a flow goes back in time"
    return [(sources[flow], target) for flow, target in targets.items()]


def check_flows(file):
    found = flows(trace(file))
    taken = sorted((a[0], b[0], b[1].begin) for a, b in found if isinstance(a[1], perfetto_reader.Slice))
    woken = sorted((a[0], b[0], a[1].ts, b[1].begin) for a, b in found
                   if isinstance(a[1], perfetto_reader.Instant))
    assert all(a[1].end == b[1].begin for a, b in found if isinstance(a[1], perfetto_reader.Slice))
    assert taken == takeovers(file), (len(taken), len(takeovers(file)))
    assert woken == wakeups(file), (len(woken), len(wakeups(file)))
    return taken, woken


def test_flows_of_the_sample():
    taken, woken = check_flows(SAMPLE)
    assert len(taken) > 50 and len(woken) > 1000


def test_flows_of_a_crowd():
    taken, _ = check_flows(CROWD)
    assert sum(by.split(" vCPU ")[0] in ("g1", "g2", "g3") for _, by, _ in taken) > 5


def test_counters_add_up_to_what_sql_says():
    t = trace(SAMPLE)
    steps = {t.tracks[uuid].name: values for uuid, values in t.counters.items()}
    totals = query(SAMPLE, "SELECT s.*, (SELECT count(*) FROM vm_exit e WHERE e.vcpu_id = s.vcpu_id) AS exits "
                           "FROM vcpu_summary s")
    for row in totals:
        vcpu = f"{row['machine']} vCPU {row['vcpu_index']}"
        steal, exits = ([(b[0] - a[0], a[1]) for a, b in zip(v, v[1:])] for v in
                        (steps[f"{vcpu}: steal, %"], steps[f"{vcpu}: exits per second"]))
        assert abs(sum(ns * share / 100 for ns, share in steal) - row["steal_ns"]) < 1e3
        assert round(sum(ns * rate / 1e9 for ns, rate in exits)) == row["exits"]
        assert steps[f"{vcpu}: steal, %"][-1][1] == 0


def test_times_of_day_are_known():
    first = query(SAMPLE, "SELECT min(first_ns) AS t FROM cpu_state_total")[0]["t"]
    assert trace(SAMPLE).clocks == {perfetto_reader.BOOTTIME: first, perfetto_reader.REALTIME: first}


def test_names_of_any_kind():
    t = trace(HOSTILE)  # decoding them as UTF-8 is the test
    paths = {t.path(uuid) for uuid in t.tracks}
    assert ("</title><script>alert(1)</script>", "Threads", "<script>thief</script> (101)") in paths
    assert any("\ufffd" in name for path in paths for name in path)
    assert len(max((p[0] for p in paths), key=len)) > 100000


def test_who_has_no_cpu_from_the_begin_lost_it_to_nobody():
    check_flows(HOSTILE)
    assert len(flows(trace(HOSTILE))) == 3  # two CPUs taken, and one wake-up of two


def test_nothing_recorded():
    t = trace(EMPTY)
    assert t.packets == 1 and not t.tracks


def test_times_beyond_measure():
    t = trace(FAR)
    (slices, _), = [t.slices(uuid) for uuid in t.tracks if t.slices(uuid)[0]]
    assert [(s.begin, s.end) for s in slices] == [(1 - 2**63, 0), (0, 2**63 - 1)]


def test_another_decoder_reads_it():
    if not shutil.which("protoc"):
        raise recordings.tap.Skip("protoc is not installed")
    with open(export(CROWD, "perfetto"), "rb") as f:
        done = subprocess.run(["protoc", "--decode_raw"], stdin=f, capture_output=True, check=True)
    packets = done.stdout.count(b"\n1 {") + done.stdout.startswith(b"1 {")
    assert packets == trace(CROWD).packets


def test_the_same_on_the_standard_output():
    with open(export(CROWD, "perfetto"), "rb") as f:
        assert recordings.vmscope("export", "--to", "perfetto", CROWD)[0] == f.read()


recordings.tap.run(dict(globals()))
