-- name: extension
SELECT quote_ident(n.nspname) AS schema FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace
WHERE e.extname = 'timescaledb'

-- name: dimensions
SELECT h.hypertable_name::text AS tbl, d.column_name::text AS col, h.compression_enabled AS is_compressed
FROM timescaledb_information.hypertables h
JOIN timescaledb_information.dimensions d USING (hypertable_schema, hypertable_name)
WHERE h.hypertable_schema = current_schema() AND d.dimension_number = 1
