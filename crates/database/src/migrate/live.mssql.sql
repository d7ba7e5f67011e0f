-- name: kind
SELECT CAST(CASE
        WHEN OBJECT_ID(N'live_state', N'U') IS NULL OR COL_LENGTH(N'messages', N'live_version') IS NULL THEN 0
        WHEN SERVERPROPERTY(N'Babelfish') IS NULL THEN 2
        ELSE 3
    END AS BIGINT) AS n
