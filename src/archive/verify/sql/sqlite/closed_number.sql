-- verify.closed_number
-- ?1 epoch: how many versions were closed with it.
SELECT count(*) AS n FROM {table} WHERE to_epoch = ?1
