-- vacuum.entry
-- ?1 resource, ?2 epoch
SELECT digest FROM archive_batches WHERE resource = ?1 AND epoch = ?2
