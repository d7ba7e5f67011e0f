-- name: is_there
SELECT to_regclass('pg_catalog.pg_dist_partition') IS NOT NULL AS is_there

-- name: placements
SELECT c.relname::text AS tbl, column_to_column_name(p.logicalrelid, p.partkey) AS col, p.colocationid::bigint AS grp,
    p.partmethod = 'n' AND p.repmodel = 't' AS is_reference, pg_relation_size(c.oid) > 0 AS has_local_rows
FROM pg_dist_partition p JOIN pg_class c ON c.oid = p.logicalrelid
WHERE pg_table_is_visible(c.oid)

-- name: workers
SELECT count(*) AS n FROM pg_dist_node WHERE isactive AND noderole = 'primary' AND shouldhaveshards

-- name: silent_workers
SELECT nodename || ':' || nodeport AS worker FROM run_command_on_workers('SELECT 1') WHERE NOT success ORDER BY 1

-- name: functions
SELECT p.proname::text AS name, p.prosrc AS body
FROM pg_proc p LEFT JOIN pg_dist_object o ON o.classid = 'pg_proc'::regclass AND o.objid = p.oid
WHERE p.proname LIKE 'thermocline\_run\_on\_%' AND pg_function_is_visible(p.oid)
    AND (o.distribution_argument_index IS NOT NULL OR p.proname = 'thermocline_run_on_archive_head')
