-- vacuum.closed
-- ?1 epoch: the versions that were closed with it, under their names in hot.
SELECT {columns}, from_epoch FROM {table} WHERE to_epoch = ?1
