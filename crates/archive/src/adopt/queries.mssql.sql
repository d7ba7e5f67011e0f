-- name: strays
SELECT TOP (@P2) c.{owner} AS id, COUNT_BIG(*) AS n FROM {table} c
WHERE c.{owner} > @P1 AND NOT EXISTS (SELECT 1 FROM {owners} o WHERE o.id = c.{owner})
GROUP BY c.{owner} ORDER BY c.{owner}
