-- archive.hot_rows
SELECT count(*) AS n FROM {table}
