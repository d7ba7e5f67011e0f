-- status.state
-- @P1 resource; changes and locks nothing.
-- One row by the primary key.
SELECT epoch, token, held, updated_at FROM archive_state WHERE resource = @P1
