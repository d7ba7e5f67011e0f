-- posts.hot_slice_by_author
-- @P8 author; a seek in posts_author_key, then one in comments_key and one in the primary key of likes for each row.
WITH s AS (
    SELECT epoch, token, cold_newest_at, cold_newest_id FROM archive_state WHERE resource = N'posts'
),
c AS (
    SELECT COUNT_BIG(*) AS n,
        COALESCE(SUM(CASE WHEN t.created_at < s.cold_newest_at
            OR (t.created_at = s.cold_newest_at AND t.id < s.cold_newest_id) THEN CAST(1 AS BIGINT) ELSE 0 END), 0) AS late
    FROM s JOIN posts t
        ON t.author_id = @P8 AND t.created_at >= CAST(@P1 AS DATETIME2(6))
        AND t.created_at <= CAST(@P3 AS DATETIME2(6))
        AND (t.created_at > CAST(@P1 AS DATETIME2(6)) OR (t.created_at = CAST(@P1 AS DATETIME2(6)) AND t.id >= @P2))
        AND (t.created_at < CAST(@P3 AS DATETIME2(6)) OR (t.created_at = CAST(@P3 AS DATETIME2(6)) AND t.id < @P4))
    WHERE @P7 = 1
)
SELECT s.epoch, s.token, s.cold_newest_at, s.cold_newest_id, c.n, c.late,
    r.*,
    (SELECT COUNT_BIG(*) FROM comments WHERE post_id = r.id) AS comment_count,
    (SELECT COUNT_BIG(*) FROM likes WHERE post_id = r.id) AS like_count
FROM s CROSS JOIN c LEFT JOIN (
    SELECT id, author_id, title, body, created_at FROM posts
    WHERE author_id = @P8 AND created_at >= CAST(@P1 AS DATETIME2(6))
        AND created_at <= CAST(@P3 AS DATETIME2(6))
        AND (created_at > CAST(@P1 AS DATETIME2(6)) OR (created_at = CAST(@P1 AS DATETIME2(6)) AND id >= @P2))
        AND (created_at < CAST(@P3 AS DATETIME2(6)) OR (created_at = CAST(@P3 AS DATETIME2(6)) AND id < @P4))
    ORDER BY created_at DESC, id DESC
    OFFSET @P6 ROWS FETCH NEXT CASE WHEN @P5 > 0 THEN @P5 ELSE 1 END ROWS ONLY
) r ON @P5 > 0
ORDER BY r.created_at DESC, r.id DESC
