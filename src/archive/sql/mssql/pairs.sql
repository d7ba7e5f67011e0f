-- archive.pairs
-- A scan of the three rows there are.
SELECT resource, pair, epoch, token, cold_newest_at FROM archive_state ORDER BY resource
