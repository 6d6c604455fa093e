-- kernels: what was lost under each version of the hosts' kernel
SELECT
	kernel,
	uniq(host) AS hosts,
	sum(ready_ns) AS lost_ns,
	sum(exit_ns) AS spent_ns,
	sum(run_ns + ready_ns + exit_ns) AS wanted_ns,
	round(100 * lost_ns / wanted_ns, 3) AS lost_percent,
	round(100 * spent_ns / wanted_ns, 3) AS spent_percent
FROM vcpu_minute
ANY LEFT JOIN (SELECT recording, any(kernel) AS kernel FROM recording GROUP BY recording) USING recording
WHERE day >= '2000-01-01' AND day < '2100-01-01'
GROUP BY kernel
HAVING wanted_ns > 0
ORDER BY kernel
