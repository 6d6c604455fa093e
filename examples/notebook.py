#!/usr/bin/python3
"""A walk through the results of an analysis, as one does it in a notebook: python3 notebook.py RUN.vms

Each part that begins with `# %%` is a cell where the editor knows these (VS Code, Spyder, jupytext). Needs the packages
python3-vmscope and python3-pandas.
"""
# %% Open what `vmscope analyze -o run.vms` wrote
import sys

import vmscope

file = vmscope.open(sys.argv[1])
print(f"{len(file.machines)} machines, {len(file.vcpus)} vCPUs, {len(file.threads)} threads, "
      f"{(file.end_ns - file.begin_ns) / 1e9:.3f} s")

# %% Where each vCPU's time went, in percent
split = file.section("split").pandas()
parts = ["run_ns", "ready_ns", "exit_ns", "poll_ns", "idle_ns", "blocked_ns", "unknown_ns"]
shares = split[parts].div(split["total_ns"], axis=0) * 100
shares.columns = [name.removesuffix("_ns").upper() for name in parts]
shares.insert(0, "vCPU", split["machine"] + "/" + split["vcpu_index"].astype(str))
print(shares.round(1).to_string(index=False))

# %% Why VMs were slow
for finding in file.section("findings"):
    print(f"- {finding.what}\n  Remedy: {finding.remedy}.")

# %% The same from the intervals: how long was each vCPU without a CPU that it wanted?
states = file.table("vcpu_state").pandas()
lost = states[states["state"].isin(["preempted", "waiting", "throttled"])].groupby("vcpu_id")["dur"].agg(["sum", "max", "count"])
print(lost)

# %% The distribution of those stretches
print(states.loc[states["state"] == "preempted", "dur"].describe(percentiles=[0.5, 0.9, 0.99]).round(0).to_string())

# %% Exits that cost most, by SQL
print(file.query("SELECT vm.name AS vm, x.name AS exit, count(*) AS times, sum(x.handled_ns + x.userspace_ns) AS cost_ns "
                 "FROM vm_exit x JOIN vcpu v ON v.id = x.vcpu_id JOIN machine vm ON vm.id = v.machine_id "
                 "GROUP BY 1, 2 ORDER BY cost_ns DESC LIMIT ?1", 5).pandas().to_string(index=False))

# %% Half of a second of one vCPU, exactly, without going through its intervals
vcpu = file.vcpus[0]
print(vcpu.machine.name, vcpu.index,
      {state: ns for state, ns in file.time_in_states("vcpu_state", vcpu.id, begin_ns=file.begin_ns,
                                                      end_ns=file.begin_ns + 500_000_000).items() if ns})
file.close()
