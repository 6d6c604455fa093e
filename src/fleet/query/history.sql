-- history: one VM, by its name, over all recordings and hosts that it was on
SELECT
	host,
	recording,
	any(day) AS began,
	min(minute_ns) AS begin_ns,
	sum(ready_ns) AS lost_ns,
	sum(run_ns + ready_ns + exit_ns) AS wanted_ns,
	sum(neighbour_ns) AS neighbour_ns,
	sum(quota_ns) AS quota_ns
FROM vcpu_minute
WHERE day >= '2000-01-01' AND day < '2100-01-01' AND vm LIKE '%'
GROUP BY host, recording
ORDER BY begin_ns, host
LIMIT 1000
