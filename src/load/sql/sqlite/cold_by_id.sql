-- load.cold_by_id
-- ?1 values of the column that tells rows, ?2 epoch
SELECT {columns} FROM {table} WHERE {by} IN (SELECT value FROM json_each(?1))
    AND from_epoch <= ?2 AND (to_epoch IS NULL OR to_epoch > ?2)
