-- archive.hold
-- ?1 resource, ?2 whether the mover is to leave it alone.
UPDATE archive_state SET held = ?2 WHERE resource = ?1
