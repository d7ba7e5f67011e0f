-- inspect.server
-- A scan of a catalog.
SELECT N'mssql' AS engine, CAST(@@VERSION AS NVARCHAR(400)) AS version,
    CAST(CASE WHEN snapshot_isolation_state = 1 THEN 1 ELSE 0 END AS BIT) AS snapshots, CAST(NULL AS BIGINT) AS bytes
FROM sys.databases WHERE name = DB_NAME()
