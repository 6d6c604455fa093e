-- hosts: which hosts' VMs lost most of the time that they wanted to run
SELECT
	host,
	uniq(vm) AS vms,
	sum(ready_ns) AS lost_ns,
	sum(neighbour_ns) AS neighbour_ns,
	sum(quota_ns) AS quota_ns,
	sum(run_ns + ready_ns + exit_ns) AS wanted_ns,
	round(100 * lost_ns / wanted_ns, 2) AS lost_percent
FROM vcpu_minute
WHERE day >= '2000-01-01' AND day < '2100-01-01'
GROUP BY host
HAVING wanted_ns > 0
ORDER BY lost_ns DESC
LIMIT 50
