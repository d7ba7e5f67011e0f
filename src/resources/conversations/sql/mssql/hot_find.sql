-- conversations.hot_find
-- @P1 id, @P2 user; a seek in the primary key. Conversations never move: epoch 0, and nothing in cold.
SELECT CAST(0 AS BIGINT) AS epoch, CAST(NULL AS BIGINT) AS token, CAST(NULL AS DATETIME2(6)) AS cold_newest_at,
    CAST(NULL AS BIGINT) AS cold_newest_id, CAST(NULL AS BIGINT) AS n, CAST(NULL AS BIGINT) AS late,
    r.*
FROM (SELECT 1 AS one) o LEFT JOIN (
    SELECT id, user1_id, user2_id, created_at, updated_at FROM conversations
    WHERE id = @P1 AND (user1_id = @P2 OR user2_id = @P2)
) r ON 1 = 1
