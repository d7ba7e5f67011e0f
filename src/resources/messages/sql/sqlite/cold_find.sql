-- messages.cold_find
-- ?1 id, ?2 epoch, ?3 token, ?4 conversation; a seek in messages_archive_original.
WITH p AS MATERIALIZED (
    SELECT floor,
        EXISTS (SELECT 1 FROM archive_batches WHERE resource = 'messages' AND epoch = ?2 AND token = ?3) AS proven,
        (SELECT max(epoch) FROM archive_batches WHERE resource = 'messages' AND confirmed = 1) AS confirmed
    FROM archive_head WHERE resource = 'messages'
)
SELECT p.floor, p.proven, p.confirmed,
    r.*
FROM p LEFT JOIN (
    SELECT original_id AS id, conversation_id, sender_id, content, created_at, is_read FROM messages_archive
    WHERE original_id = ?1 AND conversation_id = ?4
        AND from_epoch <= ?2 AND (to_epoch IS NULL OR to_epoch > ?2)
) r ON 1 = 1
