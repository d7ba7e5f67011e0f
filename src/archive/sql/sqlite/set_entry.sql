-- archive.set_entry
-- ?1 resource, ?2 epoch, ?3 rows, ?4 digest: what a batch still has in cold.
UPDATE archive_batches SET row_count = ?3, digest = ?4 WHERE resource = ?1 AND epoch = ?2
