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
	e.throttled_ns,
	e.handled_ns - e.polled_ns + e.userspace_ns AS cost_ns
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
		quantile(dur, 0.5) AS p50_ns,
		quantile(dur, 0.99) AS p99_ns,
		max(dur) AS max_ns,
		iif(count(handled_ns) < count(dur), NULL, coalesce(sum(polled_ns), 0)) AS polled_ns,
		iif(count(handled_ns) < count(dur), NULL, coalesce(sum(throttled_ns), 0)) AS throttled_ns
	FROM vm_exit
	GROUP BY vcpu_id, reason, name
) e
	LEFT JOIN vcpu v ON v.id = e.vcpu_id
	LEFT JOIN machine m ON m.id = v.machine_id
-- What the guest slept or polled in its halts costs nothing.
ORDER BY coalesce(e.handled_ns - e.polled_ns + e.userspace_ns, e.total_ns) DESC;

--- exit_detail_summary: what the exits of each vCPU were about: which MSR, port, address, ...
SELECT
	e.vcpu_id,
	m.name AS machine,
	v.vcpu_index,
	e.detail,
	e.exits,
	e.total_ns,
	e.cost_ns,
	e.mean_ns,
	e.max_ns
FROM (
	SELECT
		vcpu_id,
		detail,
		count(*) AS exits,
		coalesce(sum(dur), 0) AS total_ns,
		iif(count(handled_ns) < count(dur), NULL,
			coalesce(sum(handled_ns - polled_ns + userspace_ns), 0)) AS cost_ns,
		sum(dur) / count(dur) AS mean_ns,
		max(dur) AS max_ns
	FROM vm_exit
	WHERE detail IS NOT NULL
	GROUP BY vcpu_id, detail
) e
	LEFT JOIN vcpu v ON v.id = e.vcpu_id
	LEFT JOIN machine m ON m.id = v.machine_id
ORDER BY coalesce(e.cost_ns, e.total_ns) DESC;

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
	s.max_ns,
	s.throttled_ns,
	s.occupant_kind,
	s.occupant_irq,
	s.occupant_handler,
	s.certainty
FROM (
	SELECT
		vcpu_id,
		-- An interrupt is none of whom it interrupted, a quota of nobody.
		iif(state = 'throttled' OR occupant_kind IN ('irq', 'softirq', 'timer'), NULL,
			occupant_thread_id) AS occupant_thread_id,
		occupant_kind,
		occupant_irq,
		occupant_handler,
		certainty,
		count(*) AS times,
		sum(dur) AS steal_ns,
		sum(iif(state = 'preempted', dur, 0)) AS preempted_ns,
		sum(iif(state = 'waiting', dur, 0)) AS waiting_ns,
		max(dur) AS max_ns,
		sum(iif(state = 'throttled', dur, 0)) AS throttled_ns
	FROM vcpu_state
	WHERE state IN (@VCPU_LOST@)
	GROUP BY 1, 2, 3, 4, 5, 6, state = 'throttled'
) s
	LEFT JOIN vcpu v ON v.id = s.vcpu_id
	LEFT JOIN machine m ON m.id = v.machine_id
	LEFT JOIN thread o ON o.id = s.occupant_thread_id
	LEFT JOIN machine om ON om.id = o.machine_id
	LEFT JOIN vcpu ov ON ov.id = o.vcpu_id
	LEFT JOIN machine ovm ON ovm.id = ov.machine_id;

--- vcpu_split: where all time of each vCPU went, in the words of esxtop; run to unknown add up to the total
WITH vm AS MATERIALIZED (
	SELECT parent_id, pid, id FROM machine WHERE parent_id IS NOT NULL AND pid IS NOT NULL
),
taker AS MATERIALIZED (
	SELECT
		t.id,
		t.tid = 0 AS is_idle,
		t.vcpu_id IS NOT NULL AS is_vcpu,
		coalesce(t.tid = 2 OR t.ppid = 2, 0) AS is_kernel,
		coalesce(v.machine_id, (
			SELECT vm.id FROM vm
			WHERE vm.parent_id = t.machine_id AND vm.pid = iif(t.comm GLOB 'vhost-[0-9]*',
				CAST(substr(t.comm, 7) AS INTEGER), t.pid)
		)) AS vm_id
	FROM thread t
		LEFT JOIN vcpu v ON v.id = t.vcpu_id
),
lost AS MATERIALIZED (
	SELECT
		s.vcpu_id,
		CASE
			WHEN s.certainty = 'open' THEN 'unclear'
			WHEN s.state = 'throttled' THEN 'quota'
			WHEN s.occupant_kind IN ('irq', 'softirq', 'timer') THEN 'interrupt'
			WHEN s.occupant_kind = 'idle' OR t.is_idle
				THEN iif(s.state = 'waiting', 'latency', 'unclear')
			WHEN t.vm_id = v.machine_id THEN iif(t.is_vcpu, 'sibling', 'own')
			WHEN t.vm_id IS NOT NULL THEN 'neighbour'
			WHEN t.is_kernel THEN 'kernel'
			WHEN t.id IS NOT NULL THEN 'process'
			ELSE 'unclear'
		END AS why,
		sum(s.dur) AS dur
	FROM vcpu_state s
		JOIN vcpu v ON v.id = s.vcpu_id
		LEFT JOIN taker t ON t.id = s.occupant_thread_id
	WHERE s.state IN (@VCPU_LOST@)
	GROUP BY 1, 2
),
ready AS MATERIALIZED (
	SELECT
		vcpu_id,
		sum(iif(why = 'neighbour', dur, 0)) AS neighbour_ns,
		sum(iif(why = 'sibling', dur, 0)) AS sibling_ns,
		sum(iif(why = 'own', dur, 0)) AS own_ns,
		sum(iif(why = 'process', dur, 0)) AS process_ns,
		sum(iif(why = 'kernel', dur, 0)) AS kernel_ns,
		sum(iif(why = 'interrupt', dur, 0)) AS interrupt_ns,
		sum(iif(why = 'quota', dur, 0)) AS quota_ns,
		sum(iif(why = 'latency', dur, 0)) AS latency_ns,
		sum(iif(why = 'unclear', dur, 0)) AS unclear_ns
	FROM lost
	GROUP BY vcpu_id
)
SELECT
	s.vcpu_id,
	s.machine,
	s.vcpu_index,
	s.total_ns - s.absent_ns AS total_ns,
	s.guest_ns AS run_ns,
	s.steal_ns AS ready_ns,
	s.hypervisor_ns + s.userspace_ns AS exit_ns,
	s.polling_ns AS poll_ns,
	s.halted_ns AS idle_ns,
	s.blocked_ns,
	s.unknown_ns,
	coalesce(r.neighbour_ns, 0) AS neighbour_ns,
	coalesce(r.sibling_ns, 0) AS sibling_ns,
	coalesce(r.own_ns, 0) AS own_ns,
	coalesce(r.process_ns, 0) AS process_ns,
	coalesce(r.kernel_ns, 0) AS kernel_ns,
	coalesce(r.interrupt_ns, 0) AS interrupt_ns,
	coalesce(r.quota_ns, 0) AS quota_ns,
	coalesce(r.latency_ns, 0) AS latency_ns,
	coalesce(r.unclear_ns, 0) AS unclear_ns
FROM vcpu_summary s
	LEFT JOIN ready r ON r.vcpu_id = s.vcpu_id;

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
		quantile(run_ns, 0.5) AS p50_ns,
		quantile(run_ns, 0.99) AS p99_ns,
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
