-- archive.any_open
SELECT 1 AS n FROM {table} WHERE to_epoch IS NULL LIMIT 1
