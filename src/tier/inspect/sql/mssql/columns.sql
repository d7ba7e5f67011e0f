-- inspect.columns
-- @P1 names, as a JSON list
-- The ids of these tables come without a catalog, and names are asked for by id: Babelfish works its views out for every
-- question, sys.tables, sys.objects and sys.types slowest of all, takes long to plan a join of more than two of them, and
-- longer to make a variable for a table. The primary key is among the indexes.
-- A seek in catalogs by the ids of these tables.
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
    q.nullable, q.preset, q.is_identity, CAST(0 AS BIGINT) AS place
FROM (
    SELECT t.name AS tbl, c.name AS col, c.column_id AS at, TYPE_NAME(c.user_type_id) AS typ, c.max_length,
        c.precision AS digits, c.scale, c.collation_name, c.is_nullable AS nullable, d.definition AS preset, c.is_identity
    FROM (SELECT value AS name, OBJECT_ID(value, N'U') AS id FROM OPENJSON(@P1)) t
    JOIN sys.columns c ON c.object_id = t.id
    LEFT JOIN sys.default_constraints d ON d.parent_object_id = c.object_id AND d.parent_column_id = c.column_id
) q
ORDER BY q.tbl, q.at
