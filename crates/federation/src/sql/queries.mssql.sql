-- name: hot_slice
{prelude}WITH s AS (
    {state}
),
c AS (
    SELECT COUNT_BIG(*) AS n,
        COALESCE(SUM(CASE WHEN t.at < s.cold_newest_at
            OR (t.at = s.cold_newest_at AND t.id < s.cold_newest_id) THEN CAST(1 AS BIGINT) ELSE 0 END), 0) AS late
    FROM s CROSS JOIN (
        SELECT {at} AS at, {id} AS id FROM {table}
        WHERE {where}{span}
    ) t
    WHERE @P7 = 1
)
SELECT {state_columns}, c.n, c.late,
    r.*{extra}
FROM s CROSS JOIN c LEFT JOIN (
    -- Skipping past the end would walk through every row.
    SELECT {columns} FROM {table}
    WHERE {where}{span} AND @P6 < CASE WHEN @P6 = 0 OR @P7 = 0 THEN @P6 + 1 ELSE (SELECT n FROM c) END
    ORDER BY {order}
    OFFSET @P6 ROWS FETCH NEXT CASE WHEN @P5 > 0 THEN @P5 ELSE 1 END ROWS ONLY
) r ON @P5 > 0
ORDER BY {row_order}

-- name: hot_numbered
{prelude}WITH s AS (
    {state}
),
c AS (
    SELECT (SELECT COUNT_BIG(*) FROM {table}{conditions}) AS n,
        (
            SELECT COUNT_BIG(*) FROM {table}
            WHERE {where}{at} <= s.cold_newest_at AND ({at} < s.cold_newest_at OR {id} < s.cold_newest_id)
        ) AS late
    FROM s
)
SELECT {state_columns}, c.n, c.late,
    r.*{extra}
FROM s CROSS JOIN c LEFT JOIN (
    -- Of rows that are skipped only keys are read, and none is skipped past the end.
    SELECT {columns} FROM {table} WHERE id {ids_from_place}
) r ON @P1 > 0
ORDER BY {row_order}

-- name: hot_rows
-- The join keeps the order of TOP, but does not promise it. The rows are sorted again as they are read.
{prelude}SELECT {state_columns},
    r.*{extra}
FROM (
    {state}
) s LEFT JOIN (
    SELECT TOP ({take}) {columns} FROM {table}{conditions}
    ORDER BY {order}
) r ON 1 = 1

-- name: state
SELECT epoch, token, cold_newest_at, cold_newest_id FROM archive_state WHERE resource = N'{resource}'

-- name: state_with_bound
SELECT a.epoch, a.token, a.cold_newest_at, a.cold_newest_id, l.incarnation, {bound} AS bound
    FROM archive_state a LEFT JOIN live_state l ON 1 = 1 WHERE a.resource = N'{resource}'

-- name: ids_from_place
IN (
        SELECT id FROM {table}
        WHERE {where}@P2 < CASE WHEN @P2 = 0 THEN 1 ELSE (SELECT n FROM c) END
        ORDER BY {order}
        OFFSET @P2 ROWS FETCH NEXT CASE WHEN @P1 > 0 THEN @P1 ELSE 1 END ROWS ONLY
    )

-- name: state_of_children
SELECT epoch, token,
        CASE WHEN cold_newest_at IS NOT NULL AND NOT EXISTS (SELECT 1 FROM {parent} WHERE id = {owner})
            THEN CAST('9999-12-31T23:59:59.999999' AS DATETIME2(6)) END AS cold_newest_at,
        CASE WHEN cold_newest_at IS NOT NULL AND NOT EXISTS (SELECT 1 FROM {parent} WHERE id = {owner})
            THEN CAST(9223372036854775807 AS BIGINT) END AS cold_newest_id
    FROM archive_state WHERE resource = N'{resource}'

-- name: hot_span
-- The first two conditions bound the seek; the others compare whole keys, for which there is no row comparison.
{at} >= CAST(@P1 AS DATETIME2(6))
        AND {at} <= CAST(@P3 AS DATETIME2(6))
        AND ({at} > CAST(@P1 AS DATETIME2(6)) OR ({at} = CAST(@P1 AS DATETIME2(6)) AND {id} >= @P2))
        AND ({at} < CAST(@P3 AS DATETIME2(6)) OR ({at} = CAST(@P3 AS DATETIME2(6)) AND {id} < @P4))

-- name: span_of_days
{at} >= CAST(@P1 AS DATE) AND {at} <= CAST(@P3 AS DATE)
        AND (CAST({at} AS DATETIME2(6)) > CAST(@P1 AS DATETIME2(6))
            OR (CAST({at} AS DATETIME2(6)) = CAST(@P1 AS DATETIME2(6)) AND {id} >= @P2))
        AND (CAST({at} AS DATETIME2(6)) < CAST(@P3 AS DATETIME2(6))
            OR (CAST({at} AS DATETIME2(6)) = CAST(@P3 AS DATETIME2(6)) AND {id} < @P4))

-- name: from_key
{at} >= CAST({key_at} AS DATETIME2(6)) AND ({at} > CAST({key_at} AS DATETIME2(6)) OR {id} >= {key_id})

-- name: below_key
{at} <= CAST({key_at} AS DATETIME2(6)) AND ({at} < CAST({key_at} AS DATETIME2(6)) OR {id} < {key_id})

-- name: containing
-- LOWER folds more letters than ASCII's, LIKE has wildcards, and other collations ignore width, kana and more:
-- TRANSLATE and CHARINDEX over a binary collation find exactly what the other engines find.
CHARINDEX({text} COLLATE Latin1_General_BIN2,
            TRANSLATE({column} COLLATE Latin1_General_BIN2,
                N'ABCDEFGHIJKLMNOPQRSTUVWXYZ', N'abcdefghijklmnopqrstuvwxyz')) > 0

-- name: hot_children
(SELECT COUNT_BIG(*) FROM {child} WHERE {owner} = r.id)

-- name: changes
-- The bound is read before the snapshot of the rows: a row committed in between has a version at or above it.
DECLARE @bound BINARY(8) = CAST(CAST({bound} AS BIGINT) AS BINARY(8));
DECLARE @since BINARY(8) = CAST(@P1 AS BINARY(8));
WITH s AS (
    SELECT l.incarnation, l.floor, CAST(@bound AS BIGINT) AS bound, a.epoch, a.token, a.cold_newest_at, a.cold_newest_id
    FROM live_state l CROSS JOIN ({state}) a
),
t AS (
    SELECT live_version, id, {scope} AS scope FROM {table}
),
h AS (
    SELECT TOP (@P3) 0 AS place, CAST(live_version AS BIGINT) AS version, id, scope FROM t
    WHERE live_version >= @since AND live_version < @bound AND (live_version > @since OR id >= @P2){scopes}
    ORDER BY live_version, id
),
m AS (
    SELECT TOP (@P3) 1 AS place, version, id, scope FROM live_moved
    WHERE version >= @P1 AND version < CAST(@bound AS BIGINT) AND (version > @P1 OR id >= @P2){scopes}
    ORDER BY version, id
),
e AS (
    SELECT TOP (@P3) 2 AS place, CAST(version AS BIGINT) AS version, id, scope FROM live_erased
    WHERE version >= @since AND version < @bound AND (version > @since OR id >= @P2){scopes}
    ORDER BY version, id
),
u AS (
    SELECT place, version, id, scope FROM h
    UNION ALL
    SELECT place, version, id, scope FROM m
    UNION ALL
    SELECT place, version, id, scope FROM e
),
c AS (
    SELECT TOP (@P3) place, version, id, scope FROM u ORDER BY version, id
)
SELECT s.incarnation, s.floor, s.bound, s.epoch, s.token, s.cold_newest_at, s.cold_newest_id,
    c.place, c.version AS at_version, c.id AS at_id, c.scope, {columns}
FROM s LEFT JOIN c ON 1 = 1 LEFT JOIN {table} r ON c.place = 0 AND r.id = c.id
ORDER BY c.version, c.id
