-- messages.hot_find
-- ?1 id, ?2 conversation
SELECT s.*, NULL AS n, NULL AS late,
    r.*
FROM (
    SELECT epoch, token, cold_newest_at, cold_newest_id FROM archive_state WHERE resource = 'messages'
) s LEFT JOIN (
    SELECT id, conversation_id, sender_id, content, created_at, is_read FROM messages WHERE id = ?1 AND conversation_id = ?2
) r ON 1 = 1
