-- archive.hot_rows
SELECT COUNT_BIG(*) AS n FROM {table}
