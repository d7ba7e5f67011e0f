-- load.hot_by_id
-- ?1 values of the column that tells rows
SELECT {columns} FROM {table} WHERE {by} IN (SELECT value FROM json_each(?1))
