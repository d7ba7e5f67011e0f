-- archive.cold_rows
-- The open versions of a table; of a table the planner knows to be large, its estimate, which counts closed ones too.
SELECT CASE WHEN reltuples > 1e6 THEN reltuples::bigint
    ELSE (SELECT count(*) FROM {table} WHERE to_epoch IS NULL) END AS n
FROM pg_class WHERE oid = '{table}'::regclass
