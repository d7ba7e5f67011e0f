-- archive.retry
-- @P1 resource
DELETE FROM archive_rejects WHERE resource = @P1
