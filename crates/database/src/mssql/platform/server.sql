-- The kind of the server, and the minutes its clock is ahead of UTC.
-- Reads no table, the catalog alone.
SELECT CAST(CASE WHEN SERVERPROPERTY('Babelfish') IS NULL THEN 0 ELSE 1 END AS BIT) AS is_babelfish,
    CAST(DATEDIFF(MINUTE, SYSUTCDATETIME(), SYSDATETIME()) AS BIGINT) AS ahead
