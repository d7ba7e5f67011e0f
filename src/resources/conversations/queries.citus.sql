-- Texts for a PostgreSQL whose tables are spread over workers.

-- name: overview_cold
-- The conversations are in many shards, so the proof is read after them. Each with archived messages has a block.
SELECT b.scope AS conversation, m.id, m.conversation_id, m.sender_id, m.content, m.created_at, m.is_read, n.unread
FROM (
    SELECT scope FROM messages_archive_blocks WHERE scope {any $1} AND level = 1 GROUP BY scope
) b
LEFT JOIN LATERAL (
    SELECT original_id AS id, conversation_id, sender_id, content, created_at, is_read FROM messages_archive
    WHERE conversation_id = b.scope AND from_epoch <= $3 AND (to_epoch IS NULL OR to_epoch > $3)
    ORDER BY created_at DESC, original_id DESC LIMIT 1
) m ON true
CROSS JOIN LATERAL (
    SELECT count(*) AS unread FROM messages_archive
    WHERE conversation_id = b.scope AND NOT is_read AND sender_id <> $2
        AND from_epoch <= $3 AND (to_epoch IS NULL OR to_epoch > $3)
) n
