-- posts.hot_find
-- ?1 id
SELECT s.*, NULL AS n, NULL AS late,
    r.*,
    (SELECT count(*) FROM comments WHERE post_id = r.id) AS comment_count,
    (SELECT count(*) FROM likes WHERE post_id = r.id) AS like_count
FROM (
    SELECT epoch, token, cold_newest_at, cold_newest_id FROM archive_state WHERE resource = 'posts'
) s LEFT JOIN (
    SELECT id, author_id, title, body, created_at FROM posts WHERE id = ?1
) r ON 1 = 1
