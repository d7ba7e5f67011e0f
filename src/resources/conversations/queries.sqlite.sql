-- name: hot_slice
WITH mine AS MATERIALIZED (
    SELECT id, user1_id, user2_id, created_at, updated_at FROM conversations
    WHERE user1_id = $8 AND (updated_at, id) >= ($1, $2)
        AND (updated_at, id) < ($3, $4)
    UNION
    SELECT id, user1_id, user2_id, created_at, updated_at FROM conversations
    WHERE user2_id = $8 AND (updated_at, id) >= ($1, $2)
        AND (updated_at, id) < ($3, $4)
)
SELECT 0 AS epoch, NULL AS token, NULL AS cold_newest_at, NULL AS cold_newest_id, c.n, 0 AS late,
    r.*
FROM (SELECT count(*) AS n FROM mine) c LEFT JOIN (
    SELECT * FROM mine ORDER BY updated_at {direction}, id {direction} LIMIT $5 OFFSET $6
) r ON 1 = 1
ORDER BY r.updated_at {direction}, r.id {direction}

-- name: hot_find
SELECT 0 AS epoch, NULL AS token, NULL AS cold_newest_at, NULL AS cold_newest_id, NULL AS n, NULL AS late,
    r.*
FROM (SELECT 1) one LEFT JOIN (
    SELECT id, user1_id, user2_id, created_at, updated_at FROM conversations
    WHERE id = $1 AND (user1_id = $2 OR user2_id = $2)
) r ON 1 = 1
