-- messages.due_count
-- @P1 older than; a scan of messages_due.
SELECT COUNT_BIG(*) AS n, MIN(created_at) AS oldest FROM messages p
WHERE created_at < CAST(@P1 AS DATETIME2(6))
    AND NOT EXISTS (SELECT 1 FROM archive_rejects r WHERE r.resource = N'messages' AND r.id = p.id)
