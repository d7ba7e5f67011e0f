-- name: sort
-- DATEADD takes 32 bits, so an instant is put together from days, seconds and microseconds. The first and the last one are
-- written out: not every server's DATEADD reaches them.
SELECT k.at, k.id FROM (
    SELECT
        CASE a.v WHEN -62135596800000000 THEN CAST('0001-01-01T00:00:00.000000' AS DATETIME2(6))
            WHEN 253402300799999999 THEN CAST('9999-12-31T23:59:59.999999' AS DATETIME2(6))
            ELSE DATEADD(MICROSECOND, CAST(a.v % 1000000 AS INT), DATEADD(SECOND, CAST(a.v % 86400000000 / 1000000 AS INT),
            DATEADD(DAY, CAST(a.v / 86400000000 AS INT), CAST('1970-01-01' AS DATETIME2(6)))))
        END AS at,
        CAST(i.value AS BIGINT) AS id
    FROM (SELECT [key], CAST(value AS BIGINT) AS v FROM OPENJSON(@P1)) a
    JOIN OPENJSON(@P2) i ON i.[key] = a.[key]
) k
ORDER BY k.at DESC, k.id DESC
