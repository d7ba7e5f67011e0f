-- archive.state
-- ?1 resource
SELECT epoch, token, cold_newest_at, cold_newest_id, held FROM archive_state WHERE resource = ?1
