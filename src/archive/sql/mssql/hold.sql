-- archive.hold
-- @P1 resource, @P2 whether the mover is to leave it alone.
-- One row by the primary key.
UPDATE archive_state SET held = @P2 WHERE resource = @P1
