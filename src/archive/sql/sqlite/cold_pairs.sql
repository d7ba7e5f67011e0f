-- archive.cold_pairs
SELECT resource, pair, claimed, (SELECT count(*) FROM archive_batches b WHERE b.resource = h.resource) AS batches
FROM archive_head h ORDER BY resource
