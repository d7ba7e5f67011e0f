-- name: miscounted_actions
-- A day is the time rounded down to a multiple of 86,400,000,000 microseconds, before 1970 too.
SELECT user_id, day, sum(counted) AS counted, sum(n) AS n
FROM (
    SELECT user_id, analysis_date AS day, action_count AS counted, 0 AS n FROM user_behavior_analytics
    WHERE resource = $1 AND action_type = $2 AND from_epoch BETWEEN $3 AND $4
    UNION ALL
    SELECT t.{user}, {day} - ({day} % 86400000000 + 86400000000) % 86400000000, 0, 1
    FROM {rows} WHERE t.from_epoch BETWEEN $3 AND $4
    UNION ALL
    SELECT t.{user}, {day} - ({day} % 86400000000 + 86400000000) % 86400000000, 0, -1
    FROM {rows} WHERE t.to_epoch BETWEEN $3 AND $4
)
GROUP BY user_id, day HAVING sum(counted) <> sum(n) ORDER BY user_id, day LIMIT 100
