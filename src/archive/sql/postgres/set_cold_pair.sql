-- archive.set_cold_pair
-- $1 pair
UPDATE archive_head SET pair = $1 WHERE pair IS NULL
