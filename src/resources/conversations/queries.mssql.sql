-- name: hot_slice
WITH mine AS (
    SELECT id, user1_id, user2_id, created_at, updated_at FROM conversations
    WHERE user1_id = @P8 AND {at} >= CAST(@P1 AS DATETIME2(6))
        AND {at} <= CAST(@P3 AS DATETIME2(6))
        AND ({at} > CAST(@P1 AS DATETIME2(6)) OR ({at} = CAST(@P1 AS DATETIME2(6)) AND id >= @P2))
        AND ({at} < CAST(@P3 AS DATETIME2(6)) OR ({at} = CAST(@P3 AS DATETIME2(6)) AND id < @P4))
    UNION
    SELECT id, user1_id, user2_id, created_at, updated_at FROM conversations
    WHERE user2_id = @P8 AND {at} >= CAST(@P1 AS DATETIME2(6))
        AND {at} <= CAST(@P3 AS DATETIME2(6))
        AND ({at} > CAST(@P1 AS DATETIME2(6)) OR ({at} = CAST(@P1 AS DATETIME2(6)) AND id >= @P2))
        AND ({at} < CAST(@P3 AS DATETIME2(6)) OR ({at} = CAST(@P3 AS DATETIME2(6)) AND id < @P4))
)
SELECT CAST(0 AS BIGINT) AS epoch, CAST(NULL AS BIGINT) AS token, CAST(NULL AS DATETIME2(6)) AS cold_newest_at,
    CAST(NULL AS BIGINT) AS cold_newest_id, c.n, CAST(0 AS BIGINT) AS late,
    r.*
FROM (SELECT COUNT_BIG(*) AS n FROM mine) c LEFT JOIN (
    SELECT id, user1_id, user2_id, created_at, updated_at FROM mine
    ORDER BY {at} {direction}, id {direction}
    OFFSET @P6 ROWS FETCH NEXT CASE WHEN @P5 > 0 THEN @P5 ELSE 1 END ROWS ONLY
) r ON @P5 > 0
ORDER BY r.{at} {direction}, r.id {direction}

-- name: overview_hot
SELECT s.epoch, s.token, s.cold_newest_at, s.cold_newest_id, j.v AS conversation,
    u1.id AS user1, u1.username AS name1, u2.id AS user2, u2.username AS name2,
    m.id, m.conversation_id, m.sender_id, m.content, m.created_at, m.is_read, n.unread
FROM (
    SELECT epoch, token, cold_newest_at, cold_newest_id FROM archive_state WHERE resource = N'messages'
) s LEFT JOIN OPENJSON(@P1) WITH (v BIGINT '$') j ON 1 = 1
LEFT JOIN conversations c ON c.id = j.v
LEFT JOIN users u1 ON u1.id = c.user1_id
LEFT JOIN users u2 ON u2.id = c.user2_id AND c.user2_id <> c.user1_id
OUTER APPLY (
    SELECT TOP (1) id, conversation_id, sender_id, content, created_at, is_read FROM messages
    WHERE conversation_id = j.v ORDER BY created_at DESC, id DESC
) m
CROSS APPLY (
    SELECT COUNT_BIG(*) AS unread FROM messages WHERE conversation_id = j.v AND is_read = 0 AND sender_id <> @P2
) n

-- name: hot_find
SELECT CAST(0 AS BIGINT) AS epoch, CAST(NULL AS BIGINT) AS token, CAST(NULL AS DATETIME2(6)) AS cold_newest_at,
    CAST(NULL AS BIGINT) AS cold_newest_id,
    r.*
FROM (SELECT 1 AS one) o LEFT JOIN (
    SELECT id, user1_id, user2_id, created_at, updated_at FROM conversations
    WHERE id = @P1 AND (user1_id = @P2 OR user2_id = @P2)
) r ON 1 = 1
