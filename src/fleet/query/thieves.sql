-- thieves: who took CPUs from vCPUs, over all hosts
SELECT
	kind,
	thief,
	uniq(host) AS hosts,
	sum(ready_ns) AS lost_ns,
	sum(times) AS taken,
	round(lost_ns / taken) AS mean_ns
FROM thief_minute
WHERE day >= '2000-01-01' AND day < '2100-01-01'
GROUP BY kind, thief
ORDER BY lost_ns DESC
LIMIT 50
