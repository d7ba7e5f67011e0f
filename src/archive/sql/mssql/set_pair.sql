-- archive.set_pair
-- @P1 pair
UPDATE archive_state SET pair = @P1 WHERE pair IS NULL
