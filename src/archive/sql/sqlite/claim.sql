-- archive.claim
-- ?1 resource, ?2 floor, ?3 who moves, ?4 now: the next number, above the floor, in a transaction of its own.
UPDATE archive_head SET claimed = max(claimed, ?2) + 1, mover = ?3, claimed_at = ?4 WHERE resource = ?1
RETURNING claimed
