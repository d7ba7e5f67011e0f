-- archive.pairs
SELECT resource, pair, epoch, token, cold_newest_at FROM archive_state ORDER BY resource
