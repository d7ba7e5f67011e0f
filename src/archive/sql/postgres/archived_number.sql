-- archive.archived_number
-- $3… what is chosen: how many open rows that is. The first two are those of archive.archived.
SELECT count(*) AS n FROM {table} WHERE id < $1 AND $2 > 0 AND to_epoch IS NULL AND {chosen}
