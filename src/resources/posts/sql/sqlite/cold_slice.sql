-- posts.cold_slice
-- Every post; a seek in posts_archive_open.
-- Open versions and those closed after the epoch are two index ranges, merged.
WITH p AS MATERIALIZED (
    SELECT floor,
        EXISTS (SELECT 1 FROM archive_batches WHERE resource = 'posts' AND epoch = ?7 AND token = ?8) AS proven,
        (SELECT max(epoch) FROM archive_batches WHERE resource = 'posts' AND confirmed = 1) AS confirmed
    FROM archive_head WHERE resource = 'posts'
)
SELECT p.floor, p.proven, p.confirmed,
    r.*,
    (SELECT count(*) FROM comments_archive
     WHERE post_id = r.id AND from_epoch <= ?7 AND (to_epoch IS NULL OR to_epoch > ?7)) AS comment_count,
    (SELECT count(*) FROM likes_archive
     WHERE post_id = r.id AND from_epoch <= ?7 AND (to_epoch IS NULL OR to_epoch > ?7)) AS like_count
FROM p LEFT JOIN (
    SELECT original_id AS id, author_id, title, body, created_at FROM posts_archive
    WHERE (created_at, original_id) >= (?1, ?2)
        AND (created_at, original_id) < (?3, ?4)
        AND from_epoch <= ?7 AND to_epoch IS NULL
    UNION ALL
    SELECT original_id AS id, author_id, title, body, created_at FROM posts_archive
    WHERE (created_at, original_id) >= (?1, ?2)
        AND (created_at, original_id) < (?3, ?4)
        AND from_epoch <= ?7 AND to_epoch > ?7
    ORDER BY created_at DESC, id DESC LIMIT ?5 OFFSET ?6
) r ON 1 = 1
ORDER BY r.created_at DESC, r.id DESC
