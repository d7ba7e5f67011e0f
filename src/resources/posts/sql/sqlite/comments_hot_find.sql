-- comments.hot_find
-- ?1 id, ?2 post
SELECT s.*, NULL AS n, NULL AS late,
    r.*
FROM (
    SELECT epoch, token,
        CASE WHEN cold_newest_at IS NOT NULL AND NOT EXISTS (SELECT 1 FROM posts WHERE id = ?2) THEN 253402300799999999 END
            AS cold_newest_at,
        CASE WHEN cold_newest_at IS NOT NULL AND NOT EXISTS (SELECT 1 FROM posts WHERE id = ?2) THEN 9223372036854775807 END
            AS cold_newest_id
    FROM archive_state WHERE resource = 'posts'
) s LEFT JOIN (
    SELECT id, post_id, author_id, body, created_at FROM comments WHERE id = ?1 AND post_id = ?2
) r ON 1 = 1
