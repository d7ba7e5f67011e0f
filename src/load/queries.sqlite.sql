-- Texts for SQLite.

-- name: demands
SELECT w.value AS tbl, c.name AS col, c.dflt_value IS NOT NULL AS has_default
FROM json_each($1) w JOIN pragma_table_xinfo(w.value) c
WHERE c."notnull" AND c.pk = 0 AND c.hidden = 0

-- name: hot_alike
-- IS compares NULL too.
SELECT count(*) AS n FROM {table} WHERE {alike}

-- name: conversation_active
UPDATE conversations SET user2_id = coalesce(user2_id, $2), created_at = min(created_at, $3),
    updated_at = max(updated_at, $4)
WHERE id = $1
