-- name: erase_later
INSERT INTO archive_erasures (resource, id, reason, at, pending)
SELECT $1, value, $3, $4, 0 FROM json_each($2) WHERE TRUE
ON CONFLICT (resource, id) DO UPDATE SET pending = 0

-- name: note_purged
INSERT INTO archive_erasures (resource, id, reason, at, pending)
SELECT $1, value, 'purged', $4, $3 FROM json_each($2) WHERE TRUE
ON CONFLICT (resource, id) DO UPDATE SET pending = excluded.pending

-- name: note_erased
INSERT INTO archive_erasures (resource, id, reason, at)
SELECT $1, value, $3, $4 FROM json_each($2) WHERE TRUE ON CONFLICT (resource, id) DO NOTHING
