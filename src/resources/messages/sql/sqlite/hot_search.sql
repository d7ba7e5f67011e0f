-- messages.hot_search
-- ?7 unused (matches are not counted), ?8 conversation, ?9 what to find, ASCII letters in lower case. lower() folds ASCII alone.
WITH s AS MATERIALIZED (
    SELECT epoch, token, cold_newest_at, cold_newest_id FROM archive_state WHERE resource = 'messages'
)
SELECT s.epoch, s.token, s.cold_newest_at, s.cold_newest_id, NULL AS n, NULL AS late,
    r.*
FROM s LEFT JOIN (
    SELECT id, conversation_id, sender_id, content, created_at, is_read FROM messages
    WHERE conversation_id = ?8 AND (created_at, id) >= (?1, ?2)
        AND (created_at, id) < (?3, ?4)
        AND instr(lower(content), ?9) > 0
    ORDER BY created_at DESC, id DESC LIMIT ?5 OFFSET ?6
) r ON ?7 IS NOT NULL
ORDER BY r.created_at DESC, r.id DESC
