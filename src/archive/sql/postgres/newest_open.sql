-- archive.newest_open
-- The key of the newest open version. A scan, after a database has come back from a backup.
SELECT {at} AS at, CAST({id} AS BIGINT) AS id FROM {table} WHERE to_epoch IS NULL ORDER BY 1 DESC, 2 DESC LIMIT 1
