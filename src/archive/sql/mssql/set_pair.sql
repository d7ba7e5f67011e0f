-- archive.set_pair
-- @P1 pair: a scan of the three rows there are.
UPDATE archive_state SET pair = @P1 WHERE pair IS NULL
