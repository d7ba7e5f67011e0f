-- name: participants_of_many
SELECT id, user1_id, user2_id FROM conversations WHERE id IN (SELECT value FROM json_each($1))

-- name: due
SELECT id, 1 AS weight, octet_length(content) AS bytes FROM messages m
WHERE created_at < $1
    AND NOT EXISTS (SELECT 1 FROM archive_rejects r WHERE r.resource = 'messages' AND r.id = m.id)
ORDER BY created_at, id LIMIT $2

-- name: due_count
SELECT count(*) AS n, min(created_at) AS oldest FROM messages m
WHERE created_at < $1
    AND NOT EXISTS (SELECT 1 FROM archive_rejects r WHERE r.resource = 'messages' AND r.id = m.id)
