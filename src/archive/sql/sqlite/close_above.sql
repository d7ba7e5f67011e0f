-- archive.close_above
-- ?1 epoch, ?2 the move's number: closes the open versions that begin above it.
UPDATE {table} SET to_epoch = ?2 WHERE from_epoch > ?1 AND to_epoch IS NULL
