-- archive.hot_of
-- ?1 ids: the rows that belong to them.
SELECT {columns} FROM {table} WHERE {owner} IN (SELECT value FROM json_each(?1))
