-- archive.take
-- ?1 ids: removes the rows that belong to them and returns exactly what it removed.
DELETE FROM {table} WHERE {owner} IN (SELECT value FROM json_each(?1)) RETURNING {columns}
