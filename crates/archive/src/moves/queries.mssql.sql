-- name: take
DELETE FROM {table} OUTPUT {deleted} WHERE {key} IN (SELECT v FROM OPENJSON(@P1) WITH (v BIGINT '$'))

-- name: take_followed
DELETE FROM {table} OUTPUT {deleted}, deleted.live_version WHERE {key} IN (SELECT v FROM OPENJSON(@P1) WITH (v BIGINT '$'))

-- name: held
SELECT COUNT_BIG(*) AS n FROM {table} WHERE {first} = @P1 AND {second} = @P2

-- name: hot_by
SELECT DISTINCT TOP (@P2) {first} AS id FROM {table} WHERE {author} = @P1

-- name: erased_again
SELECT DISTINCT TOP (@P2) t.{key} AS id FROM archive_erasures e JOIN {table} t ON t.{key} = e.id WHERE e.resource = @P1

-- name: note_erased
INSERT INTO archive_erasures (resource, id, reason, at)
SELECT @P1, i.v, @P3, CAST(@P4 AS DATETIME2(6)) FROM OPENJSON(@P2) WITH (v BIGINT '$') i
WHERE NOT EXISTS (SELECT 1 FROM archive_erasures e WHERE e.resource = @P1 AND e.id = i.v)

-- name: reject
INSERT INTO archive_rejects (resource, id, reason, at)
SELECT @P1, @P2, @P3, CAST(@P4 AS DATETIME2(6))
WHERE NOT EXISTS (SELECT 1 FROM archive_rejects WHERE resource = @P1 AND id = @P2)
