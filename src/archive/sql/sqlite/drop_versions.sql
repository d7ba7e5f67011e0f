-- archive.drop_versions
-- ?1 ids
DELETE FROM {table} WHERE {along} IN (SELECT value FROM json_each(?1))
