-- days: what was lost day by day, to see before and after a date
SELECT
	day,
	uniq(host) AS hosts,
	sum(ready_ns) AS lost_ns,
	sum(exit_ns) AS spent_ns,
	sum(run_ns + ready_ns + exit_ns) AS wanted_ns,
	round(100 * lost_ns / wanted_ns, 3) AS lost_percent,
	round(100 * spent_ns / wanted_ns, 3) AS spent_percent,
	sum(exits) AS vm_exits
FROM vcpu_minute
WHERE day >= '2000-01-01' AND day < '2100-01-01'
GROUP BY day
HAVING wanted_ns > 0
ORDER BY day
