-- name: cold_slice
-- The counts that a platform kept itself may hold the same actions as ours, so the larger of the two is shown.
WITH p AS MATERIALIZED (
    SELECT floor,
        EXISTS (SELECT 1 FROM archive_batches WHERE resource = $10 AND epoch = $7 AND token = $8) AS proven,
        (SELECT max(epoch) FROM archive_batches WHERE resource = $10 AND confirmed) AS confirmed
    FROM archive_head WHERE resource = $10
)
SELECT p.floor, p.proven, p.confirmed, r.*
FROM p LEFT JOIN (
    SELECT * FROM (
    SELECT place AS id, user_id, analysis_date, action_type, coalesce(greatest(
            sum(action_count) FILTER (WHERE NOT adopted), max(action_count) FILTER (WHERE adopted)), 0)::bigint AS action_count,
        max(created_at) AS created_at
    FROM (
        SELECT user_id, analysis_date, action_type, action_count, created_at, resource <> $10 AS adopted,
            CASE action_type WHEN 'chat' THEN 1::bigint WHEN 'like' THEN 2 WHEN 'comment' THEN 3 WHEN 'post' THEN 4
                ELSE 5 + ('x' || substr(md5(action_type), 1, 15))::bit(60)::bigint END AS place
        FROM user_behavior_analytics
        WHERE user_id = $9 AND resource IN ($10, 'platform:' || $10) AND from_epoch <= $7
            AND analysis_date >= ($1 AT TIME ZONE 'UTC')::date AND analysis_date <= ($3 AT TIME ZONE 'UTC')::date
    ) AS deltas
    WHERE (analysis_date::timestamp, place) >= ($1 AT TIME ZONE 'UTC', $2)
        AND (analysis_date::timestamp, place) < ($3 AT TIME ZONE 'UTC', $4)
    GROUP BY user_id, analysis_date, place, action_type
    ) AS counts WHERE action_count <> 0
    ORDER BY analysis_date {direction}, id {direction} LIMIT $5 OFFSET $6
) r ON true
ORDER BY r.analysis_date {direction}, r.id {direction}

-- name: hot_slice
SELECT epoch, token,
    CASE WHEN cold_newest_at IS NOT NULL THEN TIMESTAMPTZ '9999-12-31 23:59:59.999999+00' END AS cold_newest_at,
    CASE WHEN cold_newest_at IS NOT NULL THEN 9223372036854775807 END AS cold_newest_id,
    0::bigint AS n, 0::bigint AS late, NULL::bigint AS id
FROM archive_state WHERE resource = $9
