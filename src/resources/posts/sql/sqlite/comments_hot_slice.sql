-- comments.hot_slice
-- ?8 post; a seek in comments_key.
-- Comments move with their post: while hot has the post, cold has nothing of them; without it, cold may have all.
WITH s AS MATERIALIZED (
    SELECT epoch, token,
        CASE WHEN cold_newest_at IS NOT NULL AND NOT EXISTS (SELECT 1 FROM posts WHERE id = ?8) THEN 253402300799999999 END
            AS cold_newest_at,
        CASE WHEN cold_newest_at IS NOT NULL AND NOT EXISTS (SELECT 1 FROM posts WHERE id = ?8) THEN 9223372036854775807 END
            AS cold_newest_id
    FROM archive_state WHERE resource = 'posts'
),
c AS MATERIALIZED (
    -- The instants inside the span, then the ties at its ends: comparing whole keys costs three times as much.
    SELECT
        CASE WHEN ?7 THEN (
            SELECT count(*) FROM comments WHERE post_id = ?8 AND created_at > ?1 AND created_at < ?3
        ) + (
            SELECT count(*) FROM comments
            WHERE post_id = ?8 AND created_at = ?1 AND id >= ?2 AND (?1 < ?3 OR (?1 = ?3 AND id < ?4))
        ) + (
            SELECT count(*) FROM comments WHERE post_id = ?8 AND created_at = ?3 AND id < ?4 AND ?1 < ?3
        ) END AS n,
        CASE WHEN ?7 THEN (
            SELECT count(*) FROM comments
            WHERE post_id = ?8 AND created_at <= s.cold_newest_at AND (created_at, id) >= (?1, ?2)
                AND (created_at, id) < (?3, ?4) AND (created_at, id) < (s.cold_newest_at, s.cold_newest_id)
        ) END AS late
    FROM s
)
SELECT s.epoch, s.token, s.cold_newest_at, s.cold_newest_id, c.n, c.late,
    r.*
FROM s JOIN c LEFT JOIN (
    SELECT id, post_id, author_id, body, created_at FROM comments
    WHERE post_id = ?8 AND (created_at, id) >= (?1, ?2)
        AND (created_at, id) < (?3, ?4)
    ORDER BY created_at DESC, id DESC
    -- Skipping past the end would walk through every row.
    LIMIT CASE WHEN ?6 > 0 AND ?6 >= (SELECT n FROM c) THEN 0 ELSE ?5 END OFFSET ?6
) r ON 1 = 1
ORDER BY r.created_at DESC, r.id DESC
