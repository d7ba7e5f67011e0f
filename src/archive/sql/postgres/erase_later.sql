-- archive.erase_later
-- $1 what the ids are of, $2 ids, $3 reason, $4 now: whoever moves next erases them.
INSERT INTO archive_erasures (resource, id, reason, at, pending)
SELECT DISTINCT $1, id, $3, $4, 0 FROM unnest($2::bigint[]) AS id
ON CONFLICT (resource, id) DO UPDATE SET pending = 0
