-- load.cold_by_id
-- $1 values of the column that tells rows, $2 epoch
SELECT {columns} FROM {table} WHERE {by} = ANY($1) AND from_epoch <= $2 AND to_epoch IS NULL
UNION ALL
SELECT {columns} FROM {table} WHERE {by} = ANY($1) AND from_epoch <= $2 AND to_epoch > $2
