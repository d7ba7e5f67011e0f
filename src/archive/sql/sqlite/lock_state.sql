-- archive.lock_state
-- ?1 resource, ?2 who moves, ?3 now: locks the state row until the move ends, and reads it.
UPDATE archive_state SET mover = ?2, updated_at = ?3 WHERE resource = ?1
RETURNING epoch, token, cold_newest_at, cold_newest_id, held
