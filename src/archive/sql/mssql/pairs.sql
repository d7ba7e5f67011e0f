-- archive.pairs
SELECT resource, pair, epoch, cold_newest_at FROM archive_state ORDER BY resource
