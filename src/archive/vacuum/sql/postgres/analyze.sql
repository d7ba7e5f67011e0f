-- vacuum.analyze
ANALYZE {table}
