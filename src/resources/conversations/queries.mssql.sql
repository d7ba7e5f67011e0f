-- name: hot_slice
WITH mine AS (
    SELECT id, user1_id, user2_id, created_at, updated_at FROM conversations
    WHERE user1_id = @P8 AND updated_at >= CAST(@P1 AS DATETIME2(6))
        AND updated_at <= CAST(@P3 AS DATETIME2(6))
        AND (updated_at > CAST(@P1 AS DATETIME2(6)) OR (updated_at = CAST(@P1 AS DATETIME2(6)) AND id >= @P2))
        AND (updated_at < CAST(@P3 AS DATETIME2(6)) OR (updated_at = CAST(@P3 AS DATETIME2(6)) AND id < @P4))
    UNION
    SELECT id, user1_id, user2_id, created_at, updated_at FROM conversations
    WHERE user2_id = @P8 AND updated_at >= CAST(@P1 AS DATETIME2(6))
        AND updated_at <= CAST(@P3 AS DATETIME2(6))
        AND (updated_at > CAST(@P1 AS DATETIME2(6)) OR (updated_at = CAST(@P1 AS DATETIME2(6)) AND id >= @P2))
        AND (updated_at < CAST(@P3 AS DATETIME2(6)) OR (updated_at = CAST(@P3 AS DATETIME2(6)) AND id < @P4))
)
SELECT CAST(0 AS BIGINT) AS epoch, CAST(NULL AS BIGINT) AS token, CAST(NULL AS DATETIME2(6)) AS cold_newest_at,
    CAST(NULL AS BIGINT) AS cold_newest_id, c.n, CAST(0 AS BIGINT) AS late,
    r.*
FROM (SELECT COUNT_BIG(*) AS n FROM mine) c LEFT JOIN (
    SELECT id, user1_id, user2_id, created_at, updated_at FROM mine
    ORDER BY updated_at {direction}, id {direction}
    OFFSET @P6 ROWS FETCH NEXT CASE WHEN @P5 > 0 THEN @P5 ELSE 1 END ROWS ONLY
) r ON @P5 > 0
ORDER BY r.updated_at {direction}, r.id {direction}

-- name: hot_find
SELECT CAST(0 AS BIGINT) AS epoch, CAST(NULL AS BIGINT) AS token, CAST(NULL AS DATETIME2(6)) AS cold_newest_at,
    CAST(NULL AS BIGINT) AS cold_newest_id, CAST(NULL AS BIGINT) AS n, CAST(NULL AS BIGINT) AS late,
    r.*
FROM (SELECT 1 AS one) o LEFT JOIN (
    SELECT id, user1_id, user2_id, created_at, updated_at FROM conversations
    WHERE id = @P1 AND (user1_id = @P2 OR user2_id = @P2)
) r ON 1 = 1
