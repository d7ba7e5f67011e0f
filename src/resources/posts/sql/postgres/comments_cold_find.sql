-- comments.cold_find
-- $1 id, $2 epoch, $3 token, $4 post; a seek in comments_archive_original.
WITH p AS MATERIALIZED (
    SELECT floor,
        EXISTS (SELECT 1 FROM archive_batches WHERE resource = 'posts' AND epoch = $2 AND token = $3) AS proven,
        (SELECT max(epoch) FROM archive_batches WHERE resource = 'posts' AND confirmed) AS confirmed
    FROM archive_head WHERE resource = 'posts'
)
SELECT p.floor, p.proven, p.confirmed,
    r.*
FROM p LEFT JOIN (
    SELECT original_id AS id, post_id, author_id, body, created_at FROM comments_archive
    WHERE original_id = $1 AND post_id = $4
        AND from_epoch <= $2 AND (to_epoch IS NULL OR to_epoch > $2)
) r ON true
