-- archive.cold_rows
-- The open versions of a table.
SELECT count(*) AS n FROM {table} WHERE to_epoch IS NULL
