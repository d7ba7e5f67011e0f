-- name: is_there
SELECT to_regclass('timescaledb_information.hypertables') IS NOT NULL AS is_there

-- name: dimensions
SELECT h.hypertable_name::text AS tbl, d.column_name::text AS col, h.compression_enabled AS is_compressed
FROM timescaledb_information.hypertables h
JOIN timescaledb_information.dimensions d USING (hypertable_schema, hypertable_name)
WHERE h.hypertable_schema = current_schema() AND d.dimension_number = 1
