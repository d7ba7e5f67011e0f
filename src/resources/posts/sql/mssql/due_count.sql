-- posts.due_count
-- @P1 older than; a scan of posts_key (backwards).
SELECT COUNT_BIG(*) AS n, MIN(created_at) AS oldest FROM posts p
WHERE created_at < CAST(@P1 AS DATETIME2(6))
    AND NOT EXISTS (SELECT 1 FROM archive_rejects r WHERE r.resource = N'posts' AND r.id = p.id)
