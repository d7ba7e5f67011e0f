-- name: erase_later
INSERT INTO archive_erasures (resource, id, reason, at, pending)
SELECT DISTINCT $1, id, $3, $4, 0 FROM unnest($2::bigint[]) AS id
ON CONFLICT (resource, id) DO UPDATE SET pending = 0

-- name: note_purged
INSERT INTO archive_erasures (resource, id, reason, at, pending)
SELECT DISTINCT $1, id, 'purged', $4, $3 FROM unnest($2::bigint[]) AS id
ON CONFLICT (resource, id) DO UPDATE SET pending = excluded.pending

-- name: take_followed
DELETE FROM {table} WHERE {key} {any $1} RETURNING {columns}, live_version::text::bigint AS live_version

-- name: note_erased
INSERT INTO archive_erasures (resource, id, reason, at)
SELECT DISTINCT $1, id, $3, $4 FROM unnest($2::bigint[]) AS id ON CONFLICT (resource, id) DO NOTHING
