-- archive.close
-- $1 ids, $2 epoch: closes the open versions that belong to them.
UPDATE {table} SET to_epoch = $2 WHERE {owner} = ANY ($1) AND to_epoch IS NULL
