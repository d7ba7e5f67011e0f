-- archive.versions
-- $1 ids: every version that belongs to them, under their names in hot.
SELECT {columns}, from_epoch FROM {table} WHERE {along} = ANY ($1)
