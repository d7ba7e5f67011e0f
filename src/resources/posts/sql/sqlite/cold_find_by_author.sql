-- posts.cold_find_by_author
-- ?1 id, ?2 epoch, ?3 token, ?4 author; a seek in posts_archive_original.
WITH p AS MATERIALIZED (
    SELECT floor,
        EXISTS (SELECT 1 FROM archive_batches WHERE resource = 'posts' AND epoch = ?2 AND token = ?3) AS proven,
        (SELECT max(epoch) FROM archive_batches WHERE resource = 'posts' AND confirmed = 1) AS confirmed
    FROM archive_head WHERE resource = 'posts'
)
SELECT p.floor, p.proven, p.confirmed,
    r.*,
    (SELECT count(*) FROM comments_archive
     WHERE post_id = r.id AND from_epoch <= ?2 AND (to_epoch IS NULL OR to_epoch > ?2)) AS comment_count,
    (SELECT count(*) FROM likes_archive
     WHERE post_id = r.id AND from_epoch <= ?2 AND (to_epoch IS NULL OR to_epoch > ?2)) AS like_count
FROM p LEFT JOIN (
    SELECT original_id AS id, author_id, title, body, created_at FROM posts_archive
    WHERE original_id = ?1 AND author_id = ?4
        AND from_epoch <= ?2 AND (to_epoch IS NULL OR to_epoch > ?2)
) r ON 1 = 1
