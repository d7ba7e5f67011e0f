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

-- name: lock_control
UPDATE archive_control SET changed_at = CAST(@P2 AS DATETIME2(6)) WHERE resource = @P1

-- name: live_bound
SELECT incarnation, CAST({bound} AS BIGINT) AS bound FROM live_state

-- name: live_raise
UPDATE live_state SET floor = (
    SELECT CAST(version AS BIGINT) + 1 FROM {table} ORDER BY version DESC, id DESC OFFSET @P1 ROWS FETCH NEXT 1 ROWS ONLY
)

-- name: live_drop
DELETE FROM {table} WHERE CAST(version AS BIGINT) < (SELECT floor FROM live_state)
