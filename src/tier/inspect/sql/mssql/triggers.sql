-- inspect.triggers
-- @P1 names, as a JSON list
SELECT OBJECT_NAME(t.parent_id) AS tbl, t.name AS trg
FROM OPENJSON(@P1) w JOIN sys.triggers t ON t.parent_id = OBJECT_ID(w.value)
WHERE t.is_disabled = 0
ORDER BY 1, 2
