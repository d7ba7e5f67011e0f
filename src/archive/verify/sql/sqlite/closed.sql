-- verify.closed
-- ?1 epoch: the versions that were closed with it, under their names in hot.
SELECT {columns} FROM {table} WHERE to_epoch = ?1
