-- archive.release
-- ?1 resource, ?2 its claimed number: its holder is done with it.
UPDATE archive_head SET mover = NULL, claimed_at = NULL WHERE resource = ?1 AND claimed = ?2
