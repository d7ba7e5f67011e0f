-- verify.acted
-- ?1 resource, ?2 action, ?3 ?4 epochs, both included: of whom and of which days the moves between them counted other rows
-- than came and went. Index ranges of the epochs.
SELECT user_id, day, sum(counted) AS counted, sum(n) AS n
FROM (
    SELECT user_id, analysis_date AS day, action_count AS counted, 0 AS n FROM user_behavior_analytics
    WHERE resource = ?1 AND action_type = ?2 AND from_epoch BETWEEN ?3 AND ?4
    UNION ALL
    SELECT t.{user}, d.created_at - (d.created_at % 86400000000 + 86400000000) % 86400000000, 0, 1
    FROM {rows} WHERE t.from_epoch BETWEEN ?3 AND ?4
    UNION ALL
    SELECT t.{user}, d.created_at - (d.created_at % 86400000000 + 86400000000) % 86400000000, 0, -1
    FROM {rows} WHERE t.to_epoch BETWEEN ?3 AND ?4
)
GROUP BY user_id, day HAVING sum(counted) <> sum(n) ORDER BY user_id, day LIMIT 100
