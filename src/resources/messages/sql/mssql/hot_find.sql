-- messages.hot_find
-- @P1 id, @P2 conversation; a seek in the primary key.
SELECT s.epoch, s.token, s.cold_newest_at, s.cold_newest_id, CAST(NULL AS BIGINT) AS n, CAST(NULL AS BIGINT) AS late,
    r.*
FROM archive_state s LEFT JOIN (
    SELECT id, conversation_id, sender_id, content, created_at, is_read FROM messages WHERE id = @P1 AND conversation_id = @P2
) r ON 1 = 1
WHERE s.resource = N'messages'
