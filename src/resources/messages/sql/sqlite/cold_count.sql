-- messages.cold_count
-- ?9 conversation; the rows at the ends of a span, the rest is counted by blocks.
WITH p AS MATERIALIZED (
    SELECT floor,
        EXISTS (SELECT 1 FROM archive_batches WHERE resource = 'messages' AND epoch = ?7 AND token = ?8) AS proven,
        (SELECT max(epoch) FROM archive_batches WHERE resource = 'messages' AND confirmed = 1) AS confirmed
    FROM archive_head WHERE resource = 'messages'
)
SELECT p.floor, p.proven, p.confirmed,
    (SELECT count(*) FROM messages_archive
     WHERE conversation_id = ?9 AND (created_at, original_id) >= (?1, ?2)
        AND (created_at, original_id) < (?3, ?4)
        AND from_epoch <= ?7 AND to_epoch IS NULL)
    + (SELECT count(*) FROM messages_archive
       WHERE conversation_id = ?9 AND (created_at, original_id) >= (?1, ?2)
        AND (created_at, original_id) < (?3, ?4)
        AND from_epoch <= ?7 AND to_epoch > ?7) AS n
FROM p
