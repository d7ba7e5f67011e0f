-- archive.batch
-- ?1 epoch: the rows that entered cold with it, under their names in hot.
SELECT {columns} FROM {table} WHERE from_epoch = ?1
