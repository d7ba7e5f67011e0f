-- archive.retry
-- @P1 resource
-- A seek in the primary key.
DELETE FROM archive_rejects WHERE resource = @P1
