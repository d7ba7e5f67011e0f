-- vacuum.count_closed
-- ?1 floor
SELECT count(*) AS n FROM {table} WHERE to_epoch <= ?1
