-- findings: the causes that cost VMs most, over all hosts
SELECT
	cause,
	uniq(host) AS hosts,
	count() AS findings,
	sum(cost_ns) AS total_ns,
	argMax(host, cost_ns) AS worst_host,
	argMax(what, cost_ns) AS worst
FROM finding
WHERE day >= '2000-01-01' AND day < '2100-01-01'
GROUP BY cause
ORDER BY total_ns DESC
