-- Statements of `archive recover`.

-- name: versions_above
-- tier: cold
-- purpose: Reads the versions that begin or end above an epoch, in the order in which they came, without those that are open and were adopted.
-- parameters: epoch int, resource text
-- index: the table's indexes on from_epoch and to_epoch, or a scan; primary key of archive_batches
SELECT {columns}, from_epoch, to_epoch FROM {table}
WHERE to_epoch > $1 OR (from_epoch > $1 AND NOT EXISTS (
    SELECT 1 FROM archive_batches b WHERE b.resource = $2 AND b.epoch = {table}.from_epoch AND b.kind = 'adopt'
))
ORDER BY {table}.id

-- name: open_versions_of
-- tier: cold
-- purpose: Reads the open versions of the rows that belong to some ids.
-- parameters: ids ints
-- index: {table}_open or {table}_original
SELECT {columns}, from_epoch FROM {table} WHERE {key} {any $1} AND to_epoch IS NULL

-- name: referred
-- tier: cold
-- purpose: Reads the ids of another table that the open rows refer to.
-- index: none; scans the table
SELECT DISTINCT {column} AS id FROM {table} WHERE to_epoch IS NULL AND {column} IS NOT NULL

-- name: close_above
-- tier: cold
-- purpose: Closes the open versions that begin above an epoch and were not adopted.
-- parameters: epoch int, number of the move int, resource text
-- index: the table's index on from_epoch; primary key of archive_batches
UPDATE {table} SET to_epoch = $2 WHERE from_epoch > $1 AND to_epoch IS NULL AND NOT EXISTS (
    SELECT 1 FROM archive_batches b WHERE b.resource = $3 AND b.epoch = {table}.from_epoch AND b.kind = 'adopt'
)

-- name: watermark
-- tier: cold
-- purpose: Reads the newest key of the open versions.
-- index: none; scans the table
SELECT {at} AS at, CAST({id} AS BIGINT) AS id FROM {table} WHERE to_epoch IS NULL ORDER BY 1 DESC, 2 DESC LIMIT 1

-- name: highest_id
-- tier: cold
-- purpose: Reads the highest id that cold knows, erased ids included.
-- parameters: noun text
-- index: the table's index on original_id; primary key of archive_erasures
SELECT max(id) AS id FROM (
    SELECT max(original_id) AS id FROM {table} UNION ALL SELECT max(id) FROM archive_erasures WHERE resource = $1
) ids

-- name: ids_after
-- tier: hot
-- purpose: Reads the next ids after one.
-- parameters: id int, limit int
-- index: primary key
SELECT id FROM {table} WHERE id > $1 ORDER BY id LIMIT $2

-- name: reserve_ids
-- tier: hot
-- purpose: Makes hot give out no id up to this one.
-- parameters: id int
-- index: none; reads no table

-- name: replace
-- tier: hot
-- purpose: Sets the columns of the row with this id.
-- parameters: {parameters}
-- index: primary key
UPDATE {table} SET {values} WHERE id = $1

-- name: strays
-- tier: hot
-- purpose: Reads the next ids that children belong to and that hot does not hold, with the number of children.
-- parameters: last id int, limit int
-- index: the table's index on the owner column; primary key of the owners
SELECT c.{owner} AS id, count(*) AS n FROM {table} c
WHERE c.{owner} > $1 AND NOT EXISTS (SELECT 1 FROM {owners} o WHERE o.id = c.{owner})
GROUP BY c.{owner} ORDER BY c.{owner} LIMIT $2
