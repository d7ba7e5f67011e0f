-- archive.raise
-- @P1 resource, @P2 epoch, @P3 token, @P4 @P5 newest key in cold, @P6 now: with its commit the move has happened. A seek in
-- the primary key.
UPDATE archive_state
SET epoch = @P2, token = @P3, cold_newest_at = CAST(@P4 AS DATETIME2(6)), cold_newest_id = @P5, mover = NULL,
    updated_at = CAST(@P6 AS DATETIME2(6))
WHERE resource = @P1
