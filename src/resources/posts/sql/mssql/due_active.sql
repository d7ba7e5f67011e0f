-- posts.due_active
-- @P1 older than, @P2 how many: a scan of posts_key (backwards), oldest first, then for each a seek in comments_key for one
-- that is newer, two more for what goes with it, and one in the key of likes. A rejected row stays where it is.
SELECT TOP (@P2) id, 1 + (SELECT COUNT_BIG(*) FROM comments WHERE post_id = p.id)
        + (SELECT COUNT_BIG(*) FROM likes WHERE post_id = p.id) AS weight,
    CAST(DATALENGTH(title) AS BIGINT) + CAST(DATALENGTH(body) AS BIGINT)
        + (SELECT COALESCE(SUM(CAST(DATALENGTH(c.body) AS BIGINT)), 0) FROM comments c WHERE c.post_id = p.id) AS bytes
FROM posts p
WHERE created_at < CAST(@P1 AS DATETIME2(6))
    AND NOT EXISTS (SELECT 1 FROM archive_rejects r WHERE r.resource = N'posts' AND r.id = p.id)
    AND NOT EXISTS (SELECT 1 FROM comments c WHERE c.post_id = p.id AND c.created_at >= CAST(@P1 AS DATETIME2(6)))
ORDER BY created_at, id
