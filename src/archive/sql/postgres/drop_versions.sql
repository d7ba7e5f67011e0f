-- archive.drop_versions
-- $1 ids
DELETE FROM {table} WHERE {along} = ANY ($1)
