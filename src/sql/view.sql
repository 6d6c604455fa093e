-- The views of every results file. Each begins with a line `--- name: what it answers`.
-- *_total are tables of sums that the file has in its directory; they cost nothing. @VCPU_LOST@ are
-- the names of the states of vCPUs that schema/state.def has in that set.

--- vcpu_summary: how much time each vCPU spent in each state
SELECT
	t.vcpu_id,
	m.name AS machine,
	v.vcpu_index,
	h.name AS host,
	v.host_tid,
	sum(t.dur) AS total_ns,
	sum(iif(t.state = 'guest', t.dur, 0)) AS guest_ns,
	sum(iif(t.state = 'hypervisor', t.dur, 0)) AS hypervisor_ns,
	sum(iif(t.state = 'userspace', t.dur, 0)) AS userspace_ns,
	sum(iif(t.state = 'preempted', t.dur, 0)) AS preempted_ns,
	sum(iif(t.state = 'waiting', t.dur, 0)) AS waiting_ns,
	sum(iif(t.state = 'halted', t.dur, 0)) AS halted_ns,
	sum(iif(t.state = 'blocked', t.dur, 0)) AS blocked_ns,
	sum(iif(t.state = 'unknown', t.dur, 0)) AS unknown_ns,
	sum(iif(t.state IN (@VCPU_LOST@), t.dur, 0)) AS steal_ns,
	sum(iif(t.state = 'polling', t.dur, 0)) AS polling_ns,
	sum(iif(t.state = 'throttled', t.dur, 0)) AS throttled_ns,
	sum(iif(t.state = 'absent', t.dur, 0)) AS absent_ns
FROM vcpu_state_total t
	LEFT JOIN vcpu v ON v.id = t.vcpu_id
	LEFT JOIN machine m ON m.id = v.machine_id
	LEFT JOIN machine h ON h.id = v.host_id
GROUP BY t.vcpu_id;

--- exit_summary: how often each vCPU left the guest for each reason, and what that cost
SELECT
	e.vcpu_id,
	m.name AS machine,
	v.vcpu_index,
	e.reason,
	e.name,
	e.exits,
	e.total_ns,
	e.handled_ns,
	e.userspace_ns,
	e.preempted_ns,
	e.blocked_ns,
	e.p50_ns,
	e.p99_ns,
	e.max_ns,
	e.polled_ns,
	e.throttled_ns
FROM (
	SELECT
		vcpu_id,
		reason,
		name,
		count(*) AS exits,
		coalesce(sum(dur), 0) AS total_ns,
		iif(count(handled_ns) < count(dur), NULL, coalesce(sum(handled_ns), 0)) AS handled_ns,
		iif(count(handled_ns) < count(dur), NULL, coalesce(sum(userspace_ns), 0)) AS userspace_ns,
		iif(count(handled_ns) < count(dur), NULL, coalesce(sum(preempted_ns), 0)) AS preempted_ns,
		iif(count(handled_ns) < count(dur), NULL, coalesce(sum(blocked_ns), 0)) AS blocked_ns,
		percentile(dur, 0.5) AS p50_ns,
		percentile(dur, 0.99) AS p99_ns,
		max(dur) AS max_ns,
		iif(count(handled_ns) < count(dur), NULL, coalesce(sum(polled_ns), 0)) AS polled_ns,
		iif(count(handled_ns) < count(dur), NULL, coalesce(sum(throttled_ns), 0)) AS throttled_ns
	FROM vm_exit
	GROUP BY vcpu_id, reason, name
) e
	LEFT JOIN vcpu v ON v.id = e.vcpu_id
	LEFT JOIN machine m ON m.id = v.machine_id;

--- steal_matrix: who had the CPU while a vCPU was preempted or waiting for it
SELECT
	s.vcpu_id,
	m.name AS machine,
	v.vcpu_index,
	s.occupant_thread_id,
	om.name AS occupant_host,
	o.tid AS occupant_tid,
	o.comm AS occupant_comm,
	ov.id AS occupant_vcpu_id,
	ovm.name AS occupant_machine,
	ov.vcpu_index AS occupant_vcpu_index,
	s.times,
	s.steal_ns,
	s.preempted_ns,
	s.waiting_ns,
	s.max_ns
FROM (
	SELECT
		vcpu_id,
		occupant_thread_id,
		count(*) AS times,
		sum(dur) AS steal_ns,
		sum(iif(state = 'preempted', dur, 0)) AS preempted_ns,
		sum(iif(state = 'waiting', dur, 0)) AS waiting_ns,
		max(dur) AS max_ns
	FROM vcpu_state
	WHERE state IN (@VCPU_LOST@)
	GROUP BY vcpu_id, occupant_thread_id
) s
	LEFT JOIN vcpu v ON v.id = s.vcpu_id
	LEFT JOIN machine m ON m.id = v.machine_id
	LEFT JOIN thread o ON o.id = s.occupant_thread_id
	LEFT JOIN machine om ON om.id = o.machine_id
	LEFT JOIN vcpu ov ON ov.id = o.vcpu_id
	LEFT JOIN machine ovm ON ovm.id = ov.machine_id;

--- thread_summary: how much time each thread spent in each state
SELECT
	t.thread_id,
	m.name AS machine,
	h.pid,
	h.tid,
	h.comm,
	h.container_id,
	sum(t.dur) AS total_ns,
	sum(iif(t.state = 'user', t.dur, 0)) AS user_ns,
	sum(iif(t.state = 'syscall', t.dur, 0)) AS syscall_ns,
	sum(iif(t.state = 'irq', t.dur, 0)) AS irq_ns,
	sum(iif(t.state = 'softirq', t.dur, 0)) AS softirq_ns,
	sum(iif(t.state = 'wait-cpu', t.dur, 0)) AS wait_cpu_ns,
	sum(iif(t.state = 'blocked', t.dur, 0)) AS blocked_ns,
	sum(iif(t.state = 'stolen', t.dur, 0)) AS stolen_ns,
	sum(iif(t.state = 'hypervisor', t.dur, 0)) AS hypervisor_ns,
	sum(iif(t.state = 'dead', t.dur, 0)) AS dead_ns,
	sum(iif(t.state = 'unknown', t.dur, 0)) AS unknown_ns
FROM thread_state_total t
	LEFT JOIN thread h ON h.id = t.thread_id
	LEFT JOIN machine m ON m.id = h.machine_id
GROUP BY t.thread_id;

--- cpu_summary: how much time each CPU of each machine spent in each state
SELECT
	t.machine_id,
	m.name AS machine,
	t.cpu,
	sum(t.dur) AS total_ns,
	sum(iif(t.state = 'idle', t.dur, 0)) AS idle_ns,
	sum(iif(t.state = 'user', t.dur, 0)) AS user_ns,
	sum(iif(t.state = 'syscall', t.dur, 0)) AS syscall_ns,
	sum(iif(t.state = 'irq', t.dur, 0)) AS irq_ns,
	sum(iif(t.state = 'softirq', t.dur, 0)) AS softirq_ns,
	sum(iif(t.state = 'vm', t.dur, 0)) AS vm_ns,
	sum(iif(t.state = 'unknown', t.dur, 0)) AS unknown_ns
FROM cpu_state_total t
	LEFT JOIN machine m ON m.id = t.machine_id
GROUP BY t.machine_id, t.cpu;

--- wakeup_summary: how long the threads of guests took to run after they were woken, by stage
SELECT
	w.machine_id,
	m.name AS machine,
	w.thread_id,
	h.tid,
	h.comm,
	w.wakeups,
	w.asleep,
	w.p50_ns,
	w.p99_ns,
	w.max_ns,
	w.vcpu_wake_ns,
	w.vcpu_run_ns,
	w.entry_ns,
	w.run_ns
FROM (
	SELECT
		machine_id,
		thread_id,
		count(*) AS wakeups,
		count(vcpu_wake_ns) AS asleep,
		percentile(run_ns, 0.5) AS p50_ns,
		percentile(run_ns, 0.99) AS p99_ns,
		max(run_ns) AS max_ns,
		-- Of those that ran, each stage counted from the one that was reached before it.
		coalesce(sum(vcpu_wake_ns), 0) AS vcpu_wake_ns,
		coalesce(sum(vcpu_run_ns - coalesce(vcpu_wake_ns, 0)), 0) AS vcpu_run_ns,
		coalesce(sum(entry_ns - coalesce(vcpu_run_ns, vcpu_wake_ns, 0)), 0) AS entry_ns,
		coalesce(sum(run_ns - coalesce(entry_ns, vcpu_run_ns, vcpu_wake_ns, 0)), 0) AS run_ns
	FROM wakeup
	WHERE run_ns IS NOT NULL
	GROUP BY machine_id, thread_id
) w
	LEFT JOIN thread h ON h.id = w.thread_id
	LEFT JOIN machine m ON m.id = w.machine_id;
