-- wakeups: percentiles of how long threads of each VM took to run after they were woken
SELECT
	host,
	vm,
	sum(weight) AS wakeups,
	quantileExactWeighted(0.5)(ns, weight) AS p50_ns,
	quantileExactWeighted(0.9)(ns, weight) AS p90_ns,
	quantileExactWeighted(0.99)(ns, weight) AS p99_ns,
	max(ns) AS max_ns
FROM
(
	SELECT host, vm, ns, toUInt64(n) AS weight
	FROM wakeup_minute
	ARRAY JOIN hist_ns AS ns, hist_n AS n
	WHERE day >= '2000-01-01' AND day < '2100-01-01'
)
GROUP BY host, vm
ORDER BY p99_ns DESC
LIMIT 50
