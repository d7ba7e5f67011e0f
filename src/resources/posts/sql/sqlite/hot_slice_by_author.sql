-- posts.hot_slice_by_author
-- ?8 author; a seek in posts_author_key.
WITH s AS MATERIALIZED (
    SELECT epoch, token, cold_newest_at, cold_newest_id FROM archive_state WHERE resource = 'posts'
),
c AS MATERIALIZED (
    -- The instants inside the span, then the ties at its ends: comparing whole keys costs three times as much.
    SELECT
        CASE WHEN ?7 THEN (
            SELECT count(*) FROM posts WHERE author_id = ?8 AND created_at > ?1 AND created_at < ?3
        ) + (
            SELECT count(*) FROM posts
            WHERE author_id = ?8 AND created_at = ?1 AND id >= ?2 AND (?1 < ?3 OR (?1 = ?3 AND id < ?4))
        ) + (
            SELECT count(*) FROM posts WHERE author_id = ?8 AND created_at = ?3 AND id < ?4 AND ?1 < ?3
        ) END AS n,
        CASE WHEN ?7 THEN (
            SELECT count(*) FROM posts
            WHERE author_id = ?8 AND created_at <= s.cold_newest_at AND (created_at, id) >= (?1, ?2)
                AND (created_at, id) < (?3, ?4) AND (created_at, id) < (s.cold_newest_at, s.cold_newest_id)
        ) END AS late
    FROM s
)
SELECT s.epoch, s.token, s.cold_newest_at, s.cold_newest_id, c.n, c.late,
    r.*,
    (SELECT count(*) FROM comments WHERE post_id = r.id) AS comment_count,
    (SELECT count(*) FROM likes WHERE post_id = r.id) AS like_count
FROM s JOIN c LEFT JOIN (
    SELECT id, author_id, title, body, created_at FROM posts
    WHERE author_id = ?8 AND (created_at, id) >= (?1, ?2)
        AND (created_at, id) < (?3, ?4)
    ORDER BY created_at DESC, id DESC
    -- Skipping past the end would walk through every row.
    LIMIT CASE WHEN ?6 > 0 AND ?6 >= (SELECT n FROM c) THEN 0 ELSE ?5 END OFFSET ?6
) r ON 1 = 1
ORDER BY r.created_at DESC, r.id DESC
