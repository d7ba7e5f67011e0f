-- archive.set_pair
-- ?1 pair
UPDATE archive_state SET pair = ?1 WHERE pair IS NULL
