-- inspect.columns
-- @P1 names, as a JSON list
-- The ids of these tables come first, without a catalog: Babelfish works its views out for every question, and sys.tables,
-- sys.objects and sys.types slowest of all. Names are asked for by id.
-- A seek in catalogs by the ids of these tables.
SET NOCOUNT ON;
DECLARE @ours TABLE (id INT NOT NULL, name NVARCHAR(128) NOT NULL);
INSERT INTO @ours (id, name)
SELECT OBJECT_ID(value, N'U'), value FROM OPENJSON(@P1) WHERE OBJECT_ID(value, N'U') IS NOT NULL;
SELECT q.tbl, q.col,
    CASE
        WHEN q.typ IN (N'nvarchar', N'varchar') AND q.max_length = -1 THEN q.typ + N'(max)'
        WHEN q.typ IN (N'nvarchar', N'nchar') THEN q.typ + N'(' + CAST(q.max_length / 2 AS NVARCHAR(10)) + N')'
        WHEN q.typ IN (N'varchar', N'char') THEN q.typ + N'(' + CAST(q.max_length AS NVARCHAR(10)) + N')'
        WHEN q.typ IN (N'datetime2', N'datetimeoffset') THEN q.typ + N'(' + CAST(q.scale AS NVARCHAR(10)) + N')'
        WHEN q.typ IN (N'decimal', N'numeric')
            THEN q.typ + N'(' + CAST(q.digits AS NVARCHAR(10)) + N',' + CAST(q.scale AS NVARCHAR(10)) + N')'
        ELSE q.typ
    END
    + CASE WHEN UPPER(q.collation_name) LIKE N'%BIN2' THEN N' collate latin1_general_bin2' ELSE N'' END AS typ,
    q.nullable, q.preset, q.is_identity, q.place
FROM (
    SELECT t.name AS tbl, c.name AS col, c.column_id AS at, TYPE_NAME(c.user_type_id) AS typ, c.max_length,
        c.precision AS digits, c.scale, c.collation_name, c.is_nullable AS nullable, d.definition AS preset, c.is_identity,
        COALESCE(k.key_ordinal, 0) AS place
    FROM @ours t
    JOIN sys.columns c ON c.object_id = t.id
    LEFT JOIN sys.default_constraints d ON d.parent_object_id = c.object_id AND d.parent_column_id = c.column_id
    LEFT JOIN sys.indexes p ON p.object_id = t.id AND p.is_primary_key = 1
    LEFT JOIN sys.index_columns k
        ON k.object_id = p.object_id AND k.index_id = p.index_id AND k.column_id = c.column_id
) q
ORDER BY q.tbl, q.at
