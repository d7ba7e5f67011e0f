-- name: reserve_ids
-- As after an insert of rows with ids.
WITH s AS MATERIALIZED (
    SELECT q.seqrelid::regclass AS name, coalesce(pg_sequence_last_value(q.seqrelid), q.seqstart - q.seqincrement) AS last
    FROM pg_sequence q
    WHERE q.seqrelid = coalesce(
        pg_get_serial_sequence('{table}', 'id')::regclass::oid,
        (
            SELECT d.refobjid
            FROM pg_attrdef f
            JOIN pg_attribute a ON a.attrelid = f.adrelid AND a.attnum = f.adnum AND a.attname = 'id'
            JOIN pg_depend d ON d.classid = 'pg_attrdef'::regclass AND d.objid = f.oid AND d.refclassid = 'pg_class'::regclass
            JOIN pg_class c ON c.oid = d.refobjid AND c.relkind = 'S'
            WHERE f.adrelid = '{table}'::regclass
        )
    )
)
SELECT CASE
        WHEN last >= $1 THEN last
        WHEN last < $1 - 1000 THEN setval(name, $1)
        ELSE (SELECT max(n) FROM (SELECT nextval(name) AS n FROM generate_series(last + 1, $1)) taken)
    END AS n
FROM s
