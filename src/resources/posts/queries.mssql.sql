-- name: due
SELECT TOP (@P2) id, 1 + (SELECT COUNT_BIG(*) FROM comments WHERE post_id = p.id)
        + (SELECT COUNT_BIG(*) FROM likes WHERE post_id = p.id) AS weight,
    CAST(DATALENGTH(title) AS BIGINT) + CAST(DATALENGTH(body) AS BIGINT)
        + (SELECT COALESCE(SUM(CAST(DATALENGTH(c.body) AS BIGINT)), 0) FROM comments c WHERE c.post_id = p.id) AS bytes
FROM posts p
WHERE created_at < CAST(@P1 AS DATETIME2(6))
    AND NOT EXISTS (SELECT 1 FROM archive_rejects r WHERE r.resource = N'posts' AND r.id = p.id)
ORDER BY created_at, id

-- name: due_active
SELECT TOP (@P2) id, 1 + (SELECT COUNT_BIG(*) FROM comments WHERE post_id = p.id)
        + (SELECT COUNT_BIG(*) FROM likes WHERE post_id = p.id) AS weight,
    CAST(DATALENGTH(title) AS BIGINT) + CAST(DATALENGTH(body) AS BIGINT)
        + (SELECT COALESCE(SUM(CAST(DATALENGTH(c.body) AS BIGINT)), 0) FROM comments c WHERE c.post_id = p.id) AS bytes
FROM posts p
WHERE created_at < CAST(@P1 AS DATETIME2(6))
    AND NOT EXISTS (SELECT 1 FROM archive_rejects r WHERE r.resource = N'posts' AND r.id = p.id)
    AND NOT EXISTS (SELECT 1 FROM comments c WHERE c.post_id = p.id AND c.created_at >= CAST(@P1 AS DATETIME2(6)))
ORDER BY created_at, id

-- name: due_count
SELECT COUNT_BIG(*) AS n, MIN(created_at) AS oldest FROM posts p
WHERE created_at < CAST(@P1 AS DATETIME2(6))
    AND NOT EXISTS (SELECT 1 FROM archive_rejects r WHERE r.resource = N'posts' AND r.id = p.id)

-- name: due_count_active
SELECT COUNT_BIG(*) AS n, MIN(CASE WHEN newest > created_at THEN newest ELSE created_at END) AS oldest
FROM (
    SELECT p.created_at, (SELECT MAX(c.created_at) FROM comments c WHERE c.post_id = p.id) AS newest
    FROM posts p
    WHERE p.created_at < CAST(@P1 AS DATETIME2(6))
        AND NOT EXISTS (SELECT 1 FROM archive_rejects r WHERE r.resource = N'posts' AND r.id = p.id)
) old
WHERE newest IS NULL OR newest < CAST(@P1 AS DATETIME2(6))
