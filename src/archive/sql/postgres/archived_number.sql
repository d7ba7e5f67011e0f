-- archive.archived_number
-- $1… what is chosen: how many open rows that is.
SELECT count(*) AS n FROM {table} WHERE to_epoch IS NULL AND {chosen}
