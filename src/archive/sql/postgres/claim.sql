-- archive.claim
-- $1 resource, $2 who moves, $3 now: the next number, in a transaction of its own.
UPDATE archive_head SET claimed = claimed + 1, mover = $2, claimed_at = $3 WHERE resource = $1 RETURNING claimed
