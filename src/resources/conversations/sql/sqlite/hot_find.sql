-- conversations.hot_find
-- ?1 id, ?2 user
SELECT 0 AS epoch, NULL AS token, NULL AS cold_newest_at, NULL AS cold_newest_id, NULL AS n, NULL AS late,
    r.*
FROM (SELECT 1) one LEFT JOIN (
    SELECT id, user1_id, user2_id, created_at, updated_at FROM conversations
    WHERE id = ?1 AND (user1_id = ?2 OR user2_id = ?2)
) r ON 1 = 1
