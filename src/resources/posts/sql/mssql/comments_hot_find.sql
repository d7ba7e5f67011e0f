-- comments.hot_find
-- @P1 id, @P2 post; seeks in two primary keys.
SELECT s.*, CAST(NULL AS BIGINT) AS n, CAST(NULL AS BIGINT) AS late,
    r.*
FROM (
    SELECT epoch, token,
        CASE WHEN cold_newest_at IS NOT NULL AND NOT EXISTS (SELECT 1 FROM posts WHERE id = @P2)
            THEN CAST('9999-12-31T23:59:59.999999' AS DATETIME2(6)) END AS cold_newest_at,
        CASE WHEN cold_newest_at IS NOT NULL AND NOT EXISTS (SELECT 1 FROM posts WHERE id = @P2)
            THEN CAST(9223372036854775807 AS BIGINT) END AS cold_newest_id
    FROM archive_state WHERE resource = N'posts'
) s LEFT JOIN (
    SELECT id, post_id, author_id, body, created_at FROM comments WHERE id = @P1 AND post_id = @P2
) r ON 1 = 1
