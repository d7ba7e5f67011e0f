-- inspect.columns
-- @P1 names, as a JSON list
SELECT t.name AS tbl, c.name AS col,
    CASE
        WHEN TYPE_NAME(c.user_type_id) IN (N'nvarchar', N'varchar') AND c.max_length = -1
            THEN TYPE_NAME(c.user_type_id) + N'(max)'
        WHEN TYPE_NAME(c.user_type_id) IN (N'nvarchar', N'nchar')
            THEN TYPE_NAME(c.user_type_id) + N'(' + CAST(c.max_length / 2 AS NVARCHAR(10)) + N')'
        WHEN TYPE_NAME(c.user_type_id) IN (N'varchar', N'char')
            THEN TYPE_NAME(c.user_type_id) + N'(' + CAST(c.max_length AS NVARCHAR(10)) + N')'
        WHEN TYPE_NAME(c.user_type_id) IN (N'datetime2', N'datetimeoffset')
            THEN TYPE_NAME(c.user_type_id) + N'(' + CAST(c.scale AS NVARCHAR(10)) + N')'
        WHEN TYPE_NAME(c.user_type_id) IN (N'decimal', N'numeric')
            THEN TYPE_NAME(c.user_type_id) + N'(' + CAST(c.precision AS NVARCHAR(10)) + N',' + CAST(c.scale AS NVARCHAR(10)) + N')'
        ELSE TYPE_NAME(c.user_type_id)
    END AS typ,
    c.is_nullable AS nullable, d.definition AS preset, c.is_identity AS is_identity,
    COALESCE((
        SELECT MAX(ic.key_ordinal) FROM sys.indexes i
        JOIN sys.index_columns ic ON ic.object_id = i.object_id AND ic.index_id = i.index_id
        WHERE i.object_id = t.object_id AND i.is_primary_key = 1 AND ic.column_id = c.column_id), 0) AS place
FROM OPENJSON(@P1) w
JOIN sys.tables t ON t.object_id = OBJECT_ID(w.value)
JOIN sys.columns c ON c.object_id = t.object_id
LEFT JOIN sys.default_constraints d ON d.parent_object_id = c.object_id AND d.parent_column_id = c.column_id
ORDER BY t.name, c.column_id
