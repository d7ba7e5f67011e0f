-- posts.hot_find_by_author
-- @P1 id, @P2 author; a seek in the primary key.
SELECT s.epoch, s.token, s.cold_newest_at, s.cold_newest_id, CAST(NULL AS BIGINT) AS n, CAST(NULL AS BIGINT) AS late,
    r.*,
    (SELECT COUNT_BIG(*) FROM comments WHERE post_id = r.id) AS comment_count,
    (SELECT COUNT_BIG(*) FROM likes WHERE post_id = r.id) AS like_count
FROM archive_state s LEFT JOIN (
    SELECT id, author_id, title, body, created_at FROM posts WHERE id = @P1 AND author_id = @P2
) r ON 1 = 1
WHERE s.resource = N'posts'
