-- messages.due_count
-- ?1 older than
SELECT count(*) AS n FROM messages m
WHERE created_at < ?1
    AND NOT EXISTS (SELECT 1 FROM archive_rejects r WHERE r.resource = 'messages' AND r.id = m.id)
