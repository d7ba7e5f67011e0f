-- name: in_cold
-- index: primary key, or the table's index on original_id
-- One scan: two would have two snapshots on a distributed server, and a version that is closed in between would be in both.
SELECT {first} AS first_, {second} AS second_, from_epoch, to_epoch FROM {table}
WHERE {owner} {any $1} ORDER BY first_, second_, from_epoch

-- name: miscounted_actions
SELECT user_id, day, sum(counted)::bigint AS counted, sum(n)::bigint AS n
FROM (
    SELECT user_id, analysis_date AS day, action_count AS counted, 0 AS n FROM user_behavior_analytics
    WHERE resource = $1 AND action_type = $2 AND from_epoch BETWEEN $3 AND $4
    UNION ALL
    SELECT t.{user}, ({day} AT TIME ZONE 'UTC')::date, 0, 1 FROM {rows} WHERE t.from_epoch BETWEEN $3 AND $4
    UNION ALL
    SELECT t.{user}, ({day} AT TIME ZONE 'UTC')::date, 0, -1 FROM {rows} WHERE t.to_epoch BETWEEN $3 AND $4
) changes
GROUP BY user_id, day HAVING sum(counted) <> sum(n) ORDER BY user_id, day LIMIT 100

-- name: count_cold
-- The estimate may be older than the rows.
SELECT CASE WHEN few.n <= 1000000 THEN few.n ELSE greatest(c.reltuples::bigint, few.n) END AS n,
    few.n <= 1000000 AS is_exact
FROM pg_class c
CROSS JOIN (SELECT count(*) AS n FROM (SELECT 1 FROM {table} WHERE to_epoch IS NULL LIMIT 1000001) rows) few
WHERE c.oid = '{table}'::regclass
