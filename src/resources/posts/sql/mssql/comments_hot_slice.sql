-- comments.hot_slice
-- @P8 post; a seek in comments_key.
-- Comments move with their post: while hot has the post, cold has nothing of them; without it, cold may have all.
WITH s AS (
    SELECT epoch, token,
        CASE WHEN cold_newest_at IS NOT NULL AND NOT EXISTS (SELECT 1 FROM posts WHERE id = @P8)
            THEN CAST('9999-12-31T23:59:59.999999' AS DATETIME2(6)) END AS cold_newest_at,
        CASE WHEN cold_newest_at IS NOT NULL AND NOT EXISTS (SELECT 1 FROM posts WHERE id = @P8)
            THEN CAST(9223372036854775807 AS BIGINT) END AS cold_newest_id
    FROM archive_state WHERE resource = N'posts'
),
c AS (
    SELECT COUNT_BIG(*) AS n,
        COALESCE(SUM(CASE WHEN t.created_at < s.cold_newest_at
            OR (t.created_at = s.cold_newest_at AND t.id < s.cold_newest_id) THEN CAST(1 AS BIGINT) ELSE 0 END), 0) AS late
    FROM s JOIN comments t
        ON t.post_id = @P8 AND t.created_at >= CAST(@P1 AS DATETIME2(6))
        AND t.created_at <= CAST(@P3 AS DATETIME2(6))
        AND (t.created_at > CAST(@P1 AS DATETIME2(6)) OR (t.created_at = CAST(@P1 AS DATETIME2(6)) AND t.id >= @P2))
        AND (t.created_at < CAST(@P3 AS DATETIME2(6)) OR (t.created_at = CAST(@P3 AS DATETIME2(6)) AND t.id < @P4))
    WHERE @P7 = 1
)
SELECT s.epoch, s.token, s.cold_newest_at, s.cold_newest_id, c.n, c.late,
    r.*
FROM s CROSS JOIN c LEFT JOIN (
    SELECT id, post_id, author_id, body, created_at FROM comments
    WHERE post_id = @P8 AND created_at >= CAST(@P1 AS DATETIME2(6))
        AND created_at <= CAST(@P3 AS DATETIME2(6))
        AND (created_at > CAST(@P1 AS DATETIME2(6)) OR (created_at = CAST(@P1 AS DATETIME2(6)) AND id >= @P2))
        AND (created_at < CAST(@P3 AS DATETIME2(6)) OR (created_at = CAST(@P3 AS DATETIME2(6)) AND id < @P4))
    ORDER BY created_at DESC, id DESC
    OFFSET @P6 ROWS FETCH NEXT CASE WHEN @P5 > 0 THEN @P5 ELSE 1 END ROWS ONLY
) r ON @P5 > 0
ORDER BY r.created_at DESC, r.id DESC
