-- name: lock_state
-- An UPDATE, never a lock hint: not every engine heeds those.
UPDATE archive_state SET mover = @P2, updated_at = CAST(@P3 AS DATETIME2(6))
OUTPUT inserted.pair, inserted.epoch, inserted.token, inserted.cold_newest_at, inserted.cold_newest_id, inserted.held
WHERE resource = @P1

-- name: locked_state
UPDATE archive_state SET updated_at = updated_at
OUTPUT inserted.pair, inserted.epoch, inserted.token, inserted.cold_newest_at, inserted.cold_newest_id, inserted.held
WHERE resource = @P1

-- name: raise
UPDATE archive_state
SET epoch = @P2, token = @P3, cold_newest_at = CAST(@P4 AS DATETIME2(6)), cold_newest_id = @P5, mover = NULL,
    updated_at = CAST(@P6 AS DATETIME2(6))
WHERE resource = @P1
