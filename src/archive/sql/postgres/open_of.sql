-- archive.open_of
-- $1 ids: the open versions that belong to them, under their names in hot.
SELECT {columns} FROM {table} WHERE {owner} = ANY ($1) AND to_epoch IS NULL
