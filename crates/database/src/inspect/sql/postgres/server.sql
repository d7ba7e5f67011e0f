-- inspect.server
SELECT 'postgres' AS engine, 'PostgreSQL ' || current_setting('server_version') AS version, NULL::boolean AS snapshots,
    pg_database_size(current_database()) AS bytes
