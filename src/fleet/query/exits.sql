-- exits: what VM exits cost over all hosts, by reason, with percentiles of their length
SELECT
	name,
	hosts,
	exits,
	cost_ns,
	p50_ns,
	p99_ns
FROM
(
	SELECT
		name,
		uniq(host) AS hosts,
		sum(exits) AS exits,
		sum(handled_ns - polled_ns + userspace_ns) AS cost_ns
	FROM exit_minute
	WHERE day >= '2000-01-01' AND day < '2100-01-01'
	GROUP BY name
)
ANY LEFT JOIN
(
	SELECT
		name,
		quantileExactWeighted(0.5)(ns, weight) AS p50_ns,
		quantileExactWeighted(0.99)(ns, weight) AS p99_ns
	FROM
	(
		SELECT name, ns, toUInt64(n) AS weight
		FROM exit_minute
		ARRAY JOIN hist_ns AS ns, hist_n AS n
		WHERE day >= '2000-01-01' AND day < '2100-01-01'
	)
	GROUP BY name
)
USING name
ORDER BY cost_ns DESC
LIMIT 50
