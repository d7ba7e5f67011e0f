-- archive.claim
-- ?1 resource, ?2 floor: the next number, above the floor, in a transaction of its own.
UPDATE archive_head SET claimed = max(claimed, ?2) + 1 WHERE resource = ?1 RETURNING claimed
