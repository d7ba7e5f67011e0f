-- archive.is_held
-- ?1 resource
SELECT held FROM archive_state WHERE resource = ?1
