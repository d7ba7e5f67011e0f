-- archive.lock_state
-- @P1 resource, @P2 who moves, @P3 now: locks the state row until the move ends, and reads it. An UPDATE, never a lock
-- hint: not every engine heeds those. A seek in the primary key.
UPDATE archive_state SET mover = @P2, updated_at = CAST(@P3 AS DATETIME2(6))
OUTPUT inserted.epoch, inserted.token, inserted.cold_newest_at, inserted.cold_newest_id, inserted.held
WHERE resource = @P1
