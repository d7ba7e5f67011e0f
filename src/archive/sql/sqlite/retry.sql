-- archive.retry
-- ?1 resource
DELETE FROM archive_rejects WHERE resource = ?1
