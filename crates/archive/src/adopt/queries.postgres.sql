-- name: originals
SELECT n.nspname::text AS place, c.relname::text AS name, a.attname::text AS col, y.typname::text AS kind,
    EXISTS (
        SELECT 1 FROM pg_index i WHERE i.indrelid = c.oid AND i.indisunique AND i.indisvalid AND i.indpred IS NULL
            AND i.indnkeyatts = 1 AND i.indkey[0] = (
                SELECT b.attnum FROM pg_attribute b WHERE b.attrelid = c.oid AND b.attname = 'id'
            )
    ) AS numbered
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
JOIN pg_type y ON y.oid = a.atttypid
WHERE c.relkind IN ('r', 'p') AND c.relname = ANY (string_to_array($1, ','))
    AND (n.nspname = 'platform_originals' OR pg_table_is_visible(c.oid))
ORDER BY 1, 2, a.attnum

-- name: make_schema
CREATE SCHEMA IF NOT EXISTS platform_originals

-- name: open_schema
GRANT USAGE ON SCHEMA platform_originals TO PUBLIC

-- name: set_aside
ALTER TABLE {source} SET SCHEMA platform_originals

-- name: note_schema
COMMENT ON SCHEMA platform_originals IS {comment}

-- name: noted_schema
SELECT coalesce(obj_description('platform_originals'::regnamespace, 'pg_namespace'), current_schema()::text) AS name

-- name: put_back
ALTER TABLE {source} SET SCHEMA {schema}

-- name: drop_original
DROP TABLE {source}

-- name: drop_schema
DROP SCHEMA platform_originals

-- name: losers
SELECT s.id::bigint AS id, {original} AS original_id, 'unreadable' AS class, {reason} AS detail, row_to_json(s)::text AS content
FROM {source} s WHERE {reason} IS NOT NULL
UNION ALL
SELECT id, original_id, CASE WHEN shown = kept THEN 'duplicate' ELSE 'duplicate_differs' END, 'row ' || kept_id || ' is kept',
    content
FROM (
    SELECT s.id::bigint AS id, {original} AS original_id, row_to_json(s)::text AS content, ROW({shown})::text AS shown,
        row_number() OVER w AS nth, first_value(ROW({shown})::text) OVER w AS kept, first_value(s.id) OVER w AS kept_id
    FROM {source} s
    WHERE {reason} IS NULL AND ({key}) IN (
        SELECT {key} FROM {source} s WHERE {reason} IS NULL GROUP BY {key} HAVING count(*) > 1
    )
    WINDOW w AS (PARTITION BY {key} ORDER BY {archived} DESC NULLS LAST, s.id DESC)
) several
WHERE nth > 1

-- name: activity_losers
SELECT s.id::bigint AS id, NULL::bigint AS original_id, 'unreadable' AS class, {reason} AS detail, row_to_json(s)::text AS content
FROM {source} s WHERE {reason} IS NOT NULL

-- name: sort_out
INSERT INTO archive_adoption_rejects (source, id, original_id, class, detail, content, at)
SELECT $1, x.id, x.original_id, x.class, x.detail, x.content, $2 FROM (
{losers}
) x
ON CONFLICT (source, id) DO NOTHING

-- name: sorted_out
SELECT class, n, id, original_id, detail FROM (
    SELECT class, id, original_id, detail, count(*) OVER (PARTITION BY class) AS n,
        row_number() OVER (PARTITION BY class ORDER BY id) AS nth
    FROM (
{losers}
    ) x
) numbered
WHERE nth <= 10 ORDER BY class, nth

-- name: page
SELECT s.id::bigint AS id, {original} AS original_id, ({bytes})::bigint AS bytes FROM {source} s
WHERE s.id > $1 AND NOT EXISTS (SELECT 1 FROM archive_adoption_rejects r WHERE r.source = '{name}' AND r.id = s.id)
ORDER BY s.id LIMIT $2

-- name: look
SELECT s.id::bigint AS id, {original} AS original_id, ({bytes})::bigint AS bytes FROM {source} s
WHERE s.id > $1 AND {reason} IS NULL
ORDER BY s.id LIMIT $2

-- name: count_original
SELECT count(*) AS n FROM {source}

-- name: references
SELECT DISTINCT {referring} AS id FROM {source} s WHERE {reason} IS NULL AND {referring} > $1 ORDER BY 1 LIMIT $2

-- name: known
SELECT DISTINCT {original} AS id FROM {source} s WHERE {reason} IS NULL AND {original} = ANY ($1)

-- name: hold_back
INSERT INTO archive_adoption_rejects (source, id, original_id, class, detail, at)
SELECT $1, row, original, 'in_hot', 'hot holds the row too', $4 FROM unnest($2::bigint[], $3::bigint[]) AS held (row, original)
ON CONFLICT (source, id) DO NOTHING

-- name: copy
INSERT INTO {table} ({targets}, archived_at, from_epoch)
SELECT {values}, coalesce({archived}, $3), $4 FROM {source} s
WHERE s.id > $1 AND s.id <= $2
    AND NOT EXISTS (SELECT 1 FROM archive_adoption_rejects r WHERE r.source = '{name}' AND r.id = s.id)
ORDER BY s.id
RETURNING {columns}

-- name: copied
SELECT (SELECT count(*) FROM {source}) AS n,
    (SELECT count(*) FROM archive_adoption_rejects WHERE source = $1) AS rejects

-- name: original_rows
SELECT s.id::bigint AS place, {named}, coalesce({archived}, $2) AS archived_at FROM {source} s WHERE s.id = ANY ($1)

-- name: differs
UPDATE archive_adoption_rejects r SET class = $3, detail = $4, content = row_to_json(s)::text
FROM {source} s WHERE r.source = $1 AND r.id = ANY ($2) AND s.id = r.id

-- name: count_leaves
INSERT INTO {blocks} (scope, level, upper_at, upper_id, from_epoch, n)
SELECT scope, 0, CASE WHEN is_last THEN $3 ELSE created_at END, CASE WHEN is_last THEN $4 ELSE original_id END, $1,
    CASE WHEN nth % $2 = 0 THEN $2 ELSE nth % $2 END
FROM (
    SELECT {scope} AS scope, created_at, original_id, row_number() OVER w AS nth,
        lead(original_id) OVER w IS NULL AS is_last
    FROM {table} WHERE to_epoch IS NULL AND from_epoch <= $1
    WINDOW w AS (PARTITION BY {scope} ORDER BY created_at, original_id)
) numbered
WHERE is_last OR nth % $2 = 0

-- name: count_nodes
INSERT INTO {blocks} (scope, level, upper_at, upper_id, from_epoch, n)
SELECT scope, 1, upper_at, upper_id, $1, rows
FROM (
    SELECT scope, upper_at, upper_id, nth, is_last, sum(n) OVER (PARTITION BY scope, (nth - 1) / $2) AS rows
    FROM (
        SELECT scope, upper_at, upper_id, n, row_number() OVER w AS nth, lead(upper_id) OVER w IS NULL AS is_last
        FROM {blocks} WHERE level = 0 AND from_epoch = $1
        WINDOW w AS (PARTITION BY scope ORDER BY upper_at, upper_id)
    ) numbered
) summed
WHERE is_last OR nth % $2 = 0

-- name: count_actions
INSERT INTO user_behavior_analytics
    (user_id, action_type, action_count, analysis_date, created_at, resource, from_epoch)
SELECT {author}, '{action}', count(*), (created_at AT TIME ZONE 'UTC')::date, $2, '{resource}', $1
FROM {table} WHERE to_epoch IS NULL AND from_epoch <= $1
GROUP BY 1, 4

-- name: adopt_activity
INSERT INTO user_behavior_analytics
    (user_id, action_type, action_count, analysis_date, metadata, created_at, resource, from_epoch)
SELECT {values}, coalesce({made}, $1), CASE {action} WHEN 'chat' THEN 'platform:messages' ELSE 'platform:posts' END, 0
FROM {source} s
WHERE NOT EXISTS (SELECT 1 FROM archive_adoption_rejects r WHERE r.source = '{name}' AND r.id = s.id)

-- name: clear_activity
DELETE FROM user_behavior_analytics WHERE resource LIKE 'platform:%'

-- name: forget_original
DELETE FROM {source} s
WHERE {original} IN (SELECT id FROM archive_erasures WHERE resource = $1)
    OR ({reason} IS NULL AND ({key}) IN (
        SELECT {key} FROM {source} s JOIN archive_erasures e ON e.resource = $1 AND {original} = e.id WHERE {reason} IS NULL
    ))

-- name: forget_copies
DELETE FROM archive_adoption_rejects r USING {source} s
WHERE r.source = '{name}' AND s.id = r.id AND {reason} IS NULL AND ({key}) IN (
    SELECT {key} FROM {source} s JOIN archive_erasures e ON e.resource = $1 AND {original} = e.id WHERE {reason} IS NULL
)

-- name: forget_author
DELETE FROM {source} s WHERE {author} = $1

-- name: forget_kept
-- Not every document that PostgreSQL holds can be taken apart by it.
DELETE FROM archive_adoption_rejects WHERE source = '{name}' AND content ~ ('"{column}":' || $1::text || '[,}]')

-- name: forget_activity
DELETE FROM user_behavior_analytics WHERE user_id = $1 AND resource LIKE 'platform:%'
