-- vms: which VMs lost most, and by what
SELECT
	host,
	vm,
	sum(ready_ns) AS lost_ns,
	sum(run_ns + ready_ns + exit_ns) AS wanted_ns,
	round(100 * lost_ns / wanted_ns, 2) AS lost_percent,
	sum(neighbour_ns) AS neighbour_ns,
	sum(sibling_ns) AS sibling_ns,
	sum(own_ns) AS own_ns,
	sum(process_ns) AS process_ns,
	sum(kernel_ns) AS kernel_ns,
	sum(interrupt_ns) AS interrupt_ns,
	sum(quota_ns) AS quota_ns,
	sum(latency_ns) AS latency_ns,
	sum(unclear_ns) AS unclear_ns
FROM vcpu_minute
WHERE day >= '2000-01-01' AND day < '2100-01-01'
GROUP BY host, vm
HAVING wanted_ns > 0
ORDER BY lost_ns DESC
LIMIT 50
