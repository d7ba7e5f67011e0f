-- name: rejects
SELECT TOP (@P2) id, reason, at, COUNT_BIG(*) OVER () AS n FROM archive_rejects WHERE resource = @P1
ORDER BY at DESC, id DESC

-- name: count_hot
SELECT COUNT_BIG(*) AS n FROM {table}
