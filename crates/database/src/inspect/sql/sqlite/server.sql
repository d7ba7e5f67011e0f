-- inspect.server
SELECT 'sqlite' AS engine, 'SQLite ' || sqlite_version() AS version, NULL AS snapshots,
    (SELECT page_count FROM pragma_page_count()) * (SELECT page_size FROM pragma_page_size()) AS bytes
