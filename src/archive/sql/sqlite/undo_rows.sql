-- archive.undo_rows
-- ?1 epoch
DELETE FROM {table} WHERE from_epoch = ?1
