-- Statements of notes beside those of their list.

-- name: due
-- tier: hot
-- purpose: Picks the oldest notes that are due, without those that were rejected.
-- parameters: older_than time, limit int
-- index: notes_due
SELECT id, 1 AS weight, octet_length(body) AS bytes FROM notes p
WHERE created_at < $1
    AND NOT EXISTS (SELECT 1 FROM archive_rejects r WHERE r.resource = 'notes' AND r.id = p.id)
ORDER BY created_at, id LIMIT $2

-- name: due_count
-- tier: hot
-- purpose: Counts the notes that are due and finds the oldest.
-- parameters: older_than time
-- index: notes_due
SELECT count(*) AS n, min(created_at) AS oldest FROM notes p
WHERE created_at < $1
    AND NOT EXISTS (SELECT 1 FROM archive_rejects r WHERE r.resource = 'notes' AND r.id = p.id)
