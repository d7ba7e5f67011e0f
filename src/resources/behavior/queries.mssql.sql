-- name: hot_slice
SELECT epoch, token,
    CASE WHEN cold_newest_at IS NOT NULL THEN CAST('9999-12-31T23:59:59.999999' AS DATETIME2(6)) END AS cold_newest_at,
    CASE WHEN cold_newest_at IS NOT NULL THEN CAST(9223372036854775807 AS BIGINT) END AS cold_newest_id,
    CAST(0 AS BIGINT) AS n, CAST(0 AS BIGINT) AS late, CAST(NULL AS BIGINT) AS id
FROM archive_state WHERE resource = @P9
