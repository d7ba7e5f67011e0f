-- name: due
SELECT TOP (@P2) id, CAST(1 AS BIGINT) AS weight, CAST(DATALENGTH(content) AS BIGINT) AS bytes FROM messages p
WHERE created_at < CAST(@P1 AS DATETIME2(6))
    AND NOT EXISTS (SELECT 1 FROM archive_rejects r WHERE r.resource = N'messages' AND r.id = p.id)
ORDER BY created_at, id

-- name: due_count
SELECT COUNT_BIG(*) AS n, MIN(created_at) AS oldest FROM messages p
WHERE created_at < CAST(@P1 AS DATETIME2(6))
    AND NOT EXISTS (SELECT 1 FROM archive_rejects r WHERE r.resource = N'messages' AND r.id = p.id)
