-- pairs: which VM took most from which other one on the same host
SELECT
	host,
	vm,
	thief_vm,
	sum(ready_ns) AS lost_ns,
	sum(times) AS taken
FROM thief_minute
WHERE day >= '2000-01-01' AND day < '2100-01-01' AND thief_vm IS NOT NULL AND thief_vm != vm
GROUP BY host, vm, thief_vm
ORDER BY lost_ns DESC
LIMIT 50
