-- archive.is_held
-- @P1 resource
SELECT held FROM archive_state WHERE resource = @P1
