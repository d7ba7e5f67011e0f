-- vacuum.remove
-- $1 epoch
DELETE FROM {table} WHERE to_epoch = $1
