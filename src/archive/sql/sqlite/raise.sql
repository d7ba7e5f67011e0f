-- archive.raise
-- ?1 resource, ?2 epoch, ?3 token, ?4 ?5 newest key in cold, ?6 now: with its commit the move has happened.
UPDATE archive_state
SET epoch = ?2, token = ?3, cold_newest_at = ?4, cold_newest_id = ?5, mover = NULL, updated_at = ?6
WHERE resource = ?1
