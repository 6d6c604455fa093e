#!/usr/bin/python3
"""
test_client.py VMSCOPE SIM SAMPLE CLIENT SCRATCH: all calls of the Trace Server Protocol's TypeScript
client, unmodified, against a server; what it gets must be what SQL says. As TAP.

The client is installed into SCRATCH by npm from the lock file; where that cannot be, the test is skipped.
"""
import hashlib
import json
import math
import pathlib
import re
import shutil
import subprocess
import sys

import service
from service import row

VMSCOPE, SIM, SAMPLE, CLIENT, SCRATCH = sys.argv[1:6]
FILES = ("package.json", "package-lock.json", "client.mjs")
NPM_CI = ["npm", "ci", "--no-audit", "--no-fund"]
# npm 9, which Debian 12 has, cannot override a dependency that is not from a registry.
NEWER_NPM = ["npm", "exec", "--yes", "--package=npm@10.9.2", "--"]


def install():
    """Return: where the client is, or None and why not."""
    target = pathlib.Path(SCRATCH)
    target.mkdir(parents=True, exist_ok=True)
    for name in FILES:
        shutil.copyfile(pathlib.Path(CLIENT) / name, target / name)
    if not shutil.which("node") or not shutil.which("npm"):
        return None, "there is no node or npm"
    digest = hashlib.sha256((target / "package-lock.json").read_bytes()).hexdigest()
    stamp = target / "installed"
    if stamp.exists() and stamp.read_text() == digest:
        return target, ""
    for command in (NPM_CI, NEWER_NPM + NPM_CI):
        done = subprocess.run(command, cwd=target, timeout=180, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if done.returncode == 0:
            break
    else:
        return None, "npm cannot install the client: " + " ".join(done.stdout.split())[-300:]
    stamp.write_text(digest)
    return target, ""


class Expected:
    """What SQL says of a results file, in the form that client.mjs reads."""

    def __init__(self, data, results):
        self.sql = lambda statement: data.query(results, statement)
        meta = {r["key"]: int(r["value"]) for r in self.sql("SELECT * FROM meta") if r["key"].startswith("span")}
        self.start, self.end = meta["span_begin_ns"], meta["span_end_ns"]
        self.cpus = [(r["machine_id"], r["cpu"]) for r in
                     self.sql("SELECT DISTINCT machine_id, cpu FROM cpu_state ORDER BY 1, 2")]
        self.machines = {r["id"]: r for r in self.sql("SELECT * FROM machine")}
        self.vcpus = {r["id"]: r for r in self.sql("SELECT * FROM vcpu")}
        self.threads = {r["id"]: r for r in self.sql("SELECT * FROM thread")}

    def vcpu_name(self, i):
        return f"{self.machines[self.vcpus[i]['machine_id']]['name']} vCPU {self.vcpus[i]['vcpu_index']}"

    def thread_name(self, i):
        t = self.threads[i]
        return "idle" if t["tid"] == 0 else t["comm"] or "?"

    def lanes(self):
        """Per output and row all states. CPUs: those of machines that are nobody's guests."""
        lanes = {"vmscope.vcpus": {}, "vmscope.threads": {}, "vmscope.cpus": {}}
        for r in self.sql("SELECT vcpu_id, ts, dur, state FROM vcpu_state ORDER BY 1, 2"):
            lanes["vmscope.vcpus"].setdefault(row("vcpu", r["vcpu_id"]), []).append(r)
        for r in self.sql("SELECT thread_id, ts, dur, state FROM thread_state ORDER BY 1, 2"):
            lanes["vmscope.threads"].setdefault(row("thread", r["thread_id"]), []).append(r)
        for r in self.sql("SELECT machine_id, cpu, ts, dur, state FROM cpu_state ORDER BY 1, 2, 3"):
            if self.machines[r["machine_id"]]["parent_id"] is None:
                number = self.cpus.index((r["machine_id"], r["cpu"]))
                lanes["vmscope.cpus"].setdefault(row("cpu", number), []).append(r)
        return {output: {item: [[str(r["ts"]), str(r["ts"] + r["dur"]), r["state"]] for r in rows]
                         for item, rows in of.items()} for output, of in lanes.items()}

    def arrows(self):
        taken = self.sql("""SELECT count(*) n FROM vcpu_state s JOIN thread t ON t.id = s.occupant_thread_id
            WHERE s.state = 'preempted' AND t.vcpu_id IS NOT NULL""")
        woken = self.sql(f"""SELECT count(*) n FROM wakeup WHERE waker_thread_id IS NOT NULL
            AND run_ns IS NOT NULL AND ts BETWEEN {self.start} AND {self.end}""")
        return {"vmscope.vcpus": taken[0]["n"], "vmscope.threads": woken[0]["n"], "vmscope.cpus": 0}

    def exits(self):
        """Exits per row of the chart, and in what order these rows are numbered."""
        found = self.sql("SELECT vcpu_id, reason, count(*) n FROM vm_exit GROUP BY 1, 2 ORDER BY 1, 2")
        exits = {row("exits", i): r["n"] for i, r in enumerate(found)}
        for r in found:
            item = row("vcpu", r["vcpu_id"])
            exits[item] = exits.get(item, 0) + r["n"]
        return exits

    def times(self, table, keys, names, labels):
        """A statistics table of time per state. labels: of a lane, what stands before its times."""
        sums = {}
        for r in self.sql(f"SELECT {keys}, state, sum(dur) ns FROM {table} GROUP BY {keys}, state"):
            sums.setdefault(tuple(r[k] for k in keys.split(", ")), {})[r["state"]] = r["ns"]
        return [[*labels(*key), str(sum(by.values())), *(str(by.get(name, 0)) for name in names)]
                for key, by in sums.items() if labels(*key)]

    def exit_rows(self):
        by = {}
        for r in self.sql("SELECT * FROM vm_exit ORDER BY vcpu_id, ts"):
            by.setdefault((r["vcpu_id"], r["reason"]), []).append(r)
        return [self.exit_row(vcpu, rows) for (vcpu, _), rows in by.items()]

    def exit_row(self, vcpu, rows):
        whole = [r for r in rows if r["dur"] is not None]
        lengths = sorted(r["dur"] for r in whole)
        longest = max(whole, key=lambda r: r["dur"], default=None)

        def part(name):
            return str(sum(r[name] or 0 for r in whole))

        def share(per_mille):
            if not lengths:
                return ""
            return str(min(bucket_end(lengths[math.ceil(len(lengths) * per_mille / 1000) - 1]), lengths[-1]))

        cost = sum((r["handled_ns"] or 0) - (r["polled_ns"] or 0) + (r["userspace_ns"] or 0) for r in whole)
        return [self.vcpu_name(vcpu), rows[0]["name"], str(len(rows)), str(cost), str(sum(lengths)),
                str(sum(lengths) // len(whole)) if whole else "", share(500), share(990),
                str(longest["dur"]) if whole else "", str(longest["ts"]) if whole else "",
                part("handled_ns"), part("userspace_ns"), part("preempted_ns"), part("blocked_ns")]

    def stats(self, names):
        def thread(i):
            return [self.machines[self.threads[i]["machine_id"]]["name"], self.thread_name(i),
                    str(self.threads[i]["tid"])]

        def cpu(machine, number):
            m = self.machines[machine]
            return [f"{m['name']} CPU {number}"] if m["parent_id"] is None else None

        return {"vmscope.stats.vcpus": self.times("vcpu_state", "vcpu_id", names["vcpu"],
                                                  lambda i: [self.vcpu_name(i)]),
                "vmscope.stats.threads": self.times("thread_state", "thread_id", names["thread"], thread),
                "vmscope.stats.cpus": self.times("cpu_state", "machine_id, cpu", names["cpu"], cpu),
                "vmscope.stats.exits": self.exit_rows()}

    def windows(self, lanes):
        """Stretches that are short enough for every state to come as it is."""
        begins = sorted(int(r[0]) for of in lanes.values() for rows in of.values() for r in rows)
        found = []
        for i in range(1, 8):
            at = len(begins) * i // 8
            found.append([begins[at], begins[min(at + 300, len(begins) - 1)]])
        return [[str(self.start), str(self.start)]] + [[str(a), str(b)] for a, b in found]

    def table(self):
        """The event table: its length, the time of a line in the middle, and of the preemptions around it."""
        times = self.sql("SELECT ts FROM vm_exit UNION ALL SELECT ts FROM vcpu_state ORDER BY 1")
        taken = self.sql("SELECT ts FROM vcpu_state WHERE state = 'preempted' ORDER BY 1")
        index = next(i for i in range(len(times) // 2, len(times)) if times[i] not in taken)
        at = times[index]["ts"]
        return {"lines": len(times), "line": [index, str(at)],
                "search": {"NEXT": str(next(r["ts"] for r in taken if r["ts"] > at)),
                           "PREVIOUS": str(next(r["ts"] for r in reversed(taken) if r["ts"] < at))}}

    def tooltips(self, lanes):
        """Per output a row, a time inside of one of its states, and that state."""
        found = {}
        for output, of in lanes.items():
            item = max(of, key=lambda i: len(of[i]))
            begin, end, state = of[item][len(of[item]) // 2]
            found[output] = [item, str((int(begin) + int(end)) // 2), state]
        return found

    def all(self, names):
        lanes = self.lanes()
        return {"start": str(self.start), "end": str(self.end), "lanes": lanes, "windows": self.windows(lanes),
                "events": sum(m["events"] or 0 for m in self.machines.values()), "arrows": self.arrows(),
                "tooltips": self.tooltips(lanes), "exits": self.exits(), "stats": self.stats(names), **self.table()}


def bucket_end(length):
    """The longest length that is told the same as this one: 1 in 128 and less is not told apart."""
    shift = max(0, length.bit_length() - 8)
    return ((length >> shift) + 1 << shift) - 1


def recording_of(directory):
    """The traces that a viewer finds below a directory."""
    return sorted(str(path.parent) for path in pathlib.Path(directory).resolve().rglob("metadata"))


def show(output, name, number):
    """Prints one run's TAP as a part of ours. Return: the number of its last test."""
    for line in output.splitlines():
        test = re.match(r"(ok|not ok) \d+ - (.*)", line)
        number += bool(test)
        if test:
            print(f"{test[1]} {number} - {name}: {test[2]}")
        elif not line.startswith("1.."):
            print("#", line.removeprefix("# "))
    return number


def main():
    client, why = install()
    if not client:
        print(f"1..0 # SKIP {why}")
        return
    data = service.Data(VMSCOPE, SIM, SAMPLE)
    crowd_recording, crowd = data.crowd()
    number, status = 0, 0
    for recording, results in ((SAMPLE, data.sample), (crowd_recording, crowd)):
        with service.serving(VMSCOPE, "--root", data.directory, "--root", recording, results) as server:
            [exp] = server.experiments()
            states = server.get(f"/api/experiments/{exp['id']}/rows").json["states"]
            expected = Expected(data, results).all({family: [s["name"] for s in of] for family, of in states.items()})
            expected |= {"results": str(results), "recording": recording_of(recording)}
            path = data.directory / "expected.json"
            path.write_text(json.dumps(expected))
            done = subprocess.run(["node", "client.mjs", f"http://127.0.0.1:{server.port}", path], cwd=client,
                                  timeout=200, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        number = show(done.stdout, results.stem, number)
        status = status or done.returncode
    print(f"1..{number}")
    sys.exit(status)


main()
