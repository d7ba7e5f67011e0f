-- name: hot_slice
SELECT epoch, token,
    CASE WHEN cold_newest_at IS NOT NULL THEN 253402300799999999 END AS cold_newest_at,
    CASE WHEN cold_newest_at IS NOT NULL THEN 9223372036854775807 END AS cold_newest_id,
    0 AS n, 0 AS late, NULL AS id
FROM archive_state WHERE resource = $9 AND $8 IS NOT NULL

-- name: cold_slice
WITH p AS MATERIALIZED (
    SELECT floor,
        EXISTS (SELECT 1 FROM archive_batches WHERE resource = $10 AND epoch = $7 AND token = $8) AS proven,
        (SELECT max(epoch) FROM archive_batches WHERE resource = $10 AND confirmed = 1) AS confirmed
    FROM archive_head WHERE resource = $10
)
SELECT p.floor, p.proven, p.confirmed, r.*
FROM p LEFT JOIN (
    SELECT place AS id, user_id, analysis_date, action_type, sum(action_count) AS action_count,
        max(created_at) AS created_at
    FROM (
        SELECT user_id, analysis_date, action_type, action_count, created_at,
            CASE action_type WHEN 'chat' THEN 1 WHEN 'like' THEN 2 WHEN 'comment' THEN 3 ELSE 4 END AS place
        FROM user_behavior_analytics
        WHERE user_id = $9 AND resource = $10 AND from_epoch <= $7 AND analysis_date >= $1 AND analysis_date <= $3
    )
    WHERE (analysis_date, place) >= ($1, $2) AND (analysis_date, place) < ($3, $4)
    GROUP BY user_id, analysis_date, place, action_type
    HAVING sum(action_count) <> 0
    ORDER BY analysis_date {direction}, place {direction} LIMIT +$5 OFFSET $6
) r ON 1 = 1
ORDER BY r.analysis_date {direction}, r.id {direction}
