-- archive.pairs
-- A scan of the three rows there are.
SELECT resource, pair, epoch, cold_newest_at FROM archive_state ORDER BY resource
