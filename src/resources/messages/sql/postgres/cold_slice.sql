-- messages.cold_slice
-- $9 conversation; a seek in messages_archive_open.
-- Open versions and those closed after the epoch are two index ranges, merged. Each has a limit of its own: the planner
-- does not see that a branch with a fixed first column comes out of its index in order.
WITH p AS MATERIALIZED (
    SELECT floor,
        EXISTS (SELECT 1 FROM archive_batches WHERE resource = 'messages' AND epoch = $7 AND token = $8) AS proven,
        (SELECT max(epoch) FROM archive_batches WHERE resource = 'messages' AND confirmed) AS confirmed
    FROM archive_head WHERE resource = 'messages'
)
SELECT p.floor, p.proven, p.confirmed,
    r.*
FROM p LEFT JOIN (
    (
        SELECT original_id AS id, conversation_id, sender_id, content, created_at, is_read FROM messages_archive
        WHERE conversation_id = $9 AND (created_at, original_id) >= ($1, $2)
            AND (created_at, original_id) < ($3, $4)
            AND from_epoch <= $7 AND to_epoch IS NULL
        ORDER BY created_at DESC, original_id DESC LIMIT $5 + $6
    ) UNION ALL (
        SELECT original_id AS id, conversation_id, sender_id, content, created_at, is_read FROM messages_archive
        WHERE conversation_id = $9 AND (created_at, original_id) >= ($1, $2)
            AND (created_at, original_id) < ($3, $4)
            AND from_epoch <= $7 AND to_epoch > $7
        ORDER BY created_at DESC, original_id DESC LIMIT $5 + $6
    )
    ORDER BY created_at DESC, id DESC LIMIT $5 OFFSET $6
) r ON true
ORDER BY r.created_at DESC, r.id DESC
