-- messages.due
-- ?1 older than, ?2 how many: a scan of messages_due, oldest first. A rejected row stays where it is.
SELECT id, 1 AS weight, octet_length(content) AS bytes FROM messages m
WHERE created_at < ?1
    AND NOT EXISTS (SELECT 1 FROM archive_rejects r WHERE r.resource = 'messages' AND r.id = m.id)
ORDER BY created_at, id LIMIT ?2
