-- archive.claim
-- ?1 resource: the next number, in a transaction of its own.
UPDATE archive_head SET claimed = claimed + 1 WHERE resource = ?1 RETURNING claimed
