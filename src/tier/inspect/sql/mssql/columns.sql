-- inspect.columns
-- @P1 names, as a JSON list. Each catalog is read once: Babelfish's are views that do not join well.
-- A scan of catalogs.
SET NOCOUNT ON;
DECLARE @ours TABLE (id INT NOT NULL, name NVARCHAR(128) NOT NULL);
INSERT INTO @ours (id, name)
SELECT object_id, name FROM sys.tables
WHERE schema_id = SCHEMA_ID() AND name IN (SELECT value COLLATE DATABASE_DEFAULT FROM OPENJSON(@P1));
DECLARE @presets TABLE (id INT NOT NULL, col INT NOT NULL, definition NVARCHAR(MAX) NULL);
INSERT INTO @presets (id, col, definition)
SELECT parent_object_id, parent_column_id, definition FROM sys.default_constraints
WHERE parent_object_id IN (SELECT id FROM @ours);
DECLARE @primary TABLE (id INT NOT NULL, idx INT NOT NULL);
INSERT INTO @primary (id, idx)
SELECT object_id, index_id FROM sys.indexes WHERE is_primary_key = 1 AND object_id IN (SELECT id FROM @ours);
DECLARE @keys TABLE (id INT NOT NULL, idx INT NOT NULL, col INT NOT NULL, place INT NOT NULL);
INSERT INTO @keys (id, idx, col, place)
SELECT object_id, index_id, column_id, key_ordinal FROM sys.index_columns WHERE object_id IN (SELECT id FROM @ours);
DECLARE @columns TABLE (
    id INT NOT NULL, col INT NOT NULL, name NVARCHAR(128) NOT NULL, typ INT NOT NULL, max_length INT NOT NULL,
    digits INT NOT NULL, scale INT NOT NULL, nullable BIT NOT NULL, is_identity BIT NOT NULL);
INSERT INTO @columns (id, col, name, typ, max_length, digits, scale, nullable, is_identity)
SELECT object_id, column_id, name, user_type_id, max_length, precision, scale, is_nullable, is_identity
FROM sys.columns WHERE object_id IN (SELECT id FROM @ours);
SELECT t.name AS tbl, c.name AS col,
    CASE
        WHEN y.name IN (N'nvarchar', N'varchar') AND c.max_length = -1 THEN y.name + N'(max)'
        WHEN y.name IN (N'nvarchar', N'nchar') THEN y.name + N'(' + CAST(c.max_length / 2 AS NVARCHAR(10)) + N')'
        WHEN y.name IN (N'varchar', N'char') THEN y.name + N'(' + CAST(c.max_length AS NVARCHAR(10)) + N')'
        WHEN y.name IN (N'datetime2', N'datetimeoffset') THEN y.name + N'(' + CAST(c.scale AS NVARCHAR(10)) + N')'
        WHEN y.name IN (N'decimal', N'numeric')
            THEN y.name + N'(' + CAST(c.digits AS NVARCHAR(10)) + N',' + CAST(c.scale AS NVARCHAR(10)) + N')'
        ELSE y.name
    END AS typ,
    c.nullable, d.definition AS preset, c.is_identity, COALESCE(k.place, 0) AS place
FROM @ours t
JOIN @columns c ON c.id = t.id
JOIN sys.types y ON y.user_type_id = c.typ
LEFT JOIN @presets d ON d.id = c.id AND d.col = c.col
LEFT JOIN @primary p ON p.id = t.id
LEFT JOIN @keys k ON k.id = t.id AND k.idx = p.idx AND k.col = c.col
ORDER BY t.name, c.col
