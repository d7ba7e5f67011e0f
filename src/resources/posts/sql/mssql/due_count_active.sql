-- posts.due_count_active
-- @P1 older than; a scan of posts_key (backwards), with a seek in comments_key for the newest comment of each.
SELECT COUNT_BIG(*) AS n, MIN(CASE WHEN newest > created_at THEN newest ELSE created_at END) AS oldest
FROM (
    SELECT p.created_at, (SELECT MAX(c.created_at) FROM comments c WHERE c.post_id = p.id) AS newest
    FROM posts p
    WHERE p.created_at < CAST(@P1 AS DATETIME2(6))
        AND NOT EXISTS (SELECT 1 FROM archive_rejects r WHERE r.resource = N'posts' AND r.id = p.id)
) old
WHERE newest IS NULL OR newest < CAST(@P1 AS DATETIME2(6))
