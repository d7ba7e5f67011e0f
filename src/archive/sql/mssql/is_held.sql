-- archive.is_held
-- @P1 resource
-- One row by the primary key.
SELECT held FROM archive_state WHERE resource = @P1
