-- archive.versions
-- ?1 ids: every version that belongs to them, under their names in hot.
SELECT {columns}, from_epoch FROM {table} WHERE {along} IN (SELECT value FROM json_each(?1))
