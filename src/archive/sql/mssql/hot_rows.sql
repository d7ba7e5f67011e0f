-- archive.hot_rows
-- A scan of the smallest index.
SELECT COUNT_BIG(*) AS n FROM {table}
