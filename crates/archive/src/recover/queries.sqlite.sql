-- name: reserve_ids
-- A table that never had a row has no entry yet.
INSERT OR REPLACE INTO sqlite_sequence (rowid, name, seq)
SELECT (SELECT rowid FROM sqlite_sequence WHERE name = '{table}'), '{table}', $1
WHERE NOT EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = '{table}' AND seq >= $1)
