-- conversations.hot_slice
-- ?8 user. Conversations never move: epoch 0, and nothing in cold.
WITH mine AS MATERIALIZED (
    SELECT id, user1_id, user2_id, created_at, updated_at FROM conversations
    WHERE user1_id = ?8 AND (updated_at, id) >= (?1, ?2)
        AND (updated_at, id) < (?3, ?4)
    UNION
    SELECT id, user1_id, user2_id, created_at, updated_at FROM conversations
    WHERE user2_id = ?8 AND (updated_at, id) >= (?1, ?2)
        AND (updated_at, id) < (?3, ?4)
)
SELECT 0 AS epoch, NULL AS token, NULL AS cold_newest_at, NULL AS cold_newest_id, c.n, 0 AS late,
    r.*
FROM (SELECT count(*) AS n FROM mine) c LEFT JOIN (
    SELECT * FROM mine ORDER BY updated_at DESC, id DESC LIMIT ?5 OFFSET ?6
) r ON 1 = 1
ORDER BY r.updated_at DESC, r.id DESC
