-- name: overview_cold
WITH p AS MATERIALIZED (
    {proof}
)
SELECT p.floor, p.proven, p.confirmed, j.id AS conversation,
    m.id, m.conversation_id, m.sender_id, m.content, m.created_at, m.is_read, n.unread
FROM p LEFT JOIN unnest($1::bigint[]) AS j(id) ON true
LEFT JOIN LATERAL (
    (
        SELECT original_id AS id, conversation_id, sender_id, content, created_at, is_read FROM messages_archive
        WHERE conversation_id = j.id AND from_epoch <= $3 AND to_epoch IS NULL
        ORDER BY created_at DESC, original_id DESC LIMIT 1
    ) UNION ALL (
        SELECT original_id AS id, conversation_id, sender_id, content, created_at, is_read FROM messages_archive
        WHERE conversation_id = j.id AND from_epoch <= $3 AND to_epoch > $3
        ORDER BY created_at DESC, original_id DESC LIMIT 1
    )
    ORDER BY created_at DESC, id DESC LIMIT 1
) m ON true
CROSS JOIN LATERAL (
    SELECT count(*) AS unread FROM messages_archive
    WHERE conversation_id = j.id AND NOT is_read AND sender_id <> $2
        AND from_epoch <= $3 AND (to_epoch IS NULL OR to_epoch > $3)
) n
