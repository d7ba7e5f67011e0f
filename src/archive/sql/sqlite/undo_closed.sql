-- archive.undo_closed
-- ?1 epoch
UPDATE {table} SET to_epoch = NULL WHERE to_epoch = ?1
