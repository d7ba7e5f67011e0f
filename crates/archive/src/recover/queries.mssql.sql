-- name: ids_after
SELECT TOP (@P2) id FROM {table} WHERE id > @P1 ORDER BY id

-- name: reserve_ids
-- Not every engine takes a parameter in DBCC. The first row of a table that never had one gets the number itself, so that it
-- is one above.
DECLARE @reseed NVARCHAR(200) = N'DBCC CHECKIDENT (''{table}'', RESEED, ' + CAST(@P1 + 1 AS NVARCHAR(20)) + N')';
IF IDENT_CURRENT(N'{table}') <= @P1 EXEC (@reseed)

-- name: replace
UPDATE {table} SET {typed_values} WHERE id = @P1

-- name: strays
SELECT TOP (@P2) c.{owner} AS id, COUNT_BIG(*) AS n FROM {table} c
WHERE c.{owner} > @P1 AND NOT EXISTS (SELECT 1 FROM {owners} o WHERE o.id = c.{owner})
GROUP BY c.{owner} ORDER BY c.{owner}
