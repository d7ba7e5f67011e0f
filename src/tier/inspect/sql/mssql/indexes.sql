-- inspect.indexes
-- @P1 names, as a JSON list. Each catalog is read once: Babelfish's are views that do not join well.
-- A scan of catalogs.
SET NOCOUNT ON;
DECLARE @ours TABLE (id INT NOT NULL, name NVARCHAR(128) NOT NULL);
INSERT INTO @ours (id, name)
SELECT object_id, name FROM sys.tables
WHERE schema_id = SCHEMA_ID() AND name IN (SELECT value COLLATE DATABASE_DEFAULT FROM OPENJSON(@P1));
DECLARE @indexes TABLE (
    id INT NOT NULL, idx INT NOT NULL, name NVARCHAR(128) NOT NULL, is_unique BIT NOT NULL, is_constraint BIT NOT NULL,
    predicate NVARCHAR(MAX) NULL);
INSERT INTO @indexes (id, idx, name, is_unique, is_constraint, predicate)
SELECT object_id, index_id, name, is_unique, is_unique_constraint, CAST(filter_definition AS NVARCHAR(MAX))
FROM sys.indexes WHERE is_primary_key = 0 AND type IN (1, 2) AND object_id IN (SELECT id FROM @ours);
DECLARE @keys TABLE (id INT NOT NULL, idx INT NOT NULL, col INT NOT NULL, place INT NOT NULL, descends BIT NOT NULL);
INSERT INTO @keys (id, idx, col, place, descends)
SELECT object_id, index_id, column_id, key_ordinal, is_descending_key FROM sys.index_columns
WHERE is_included_column = 0 AND object_id IN (SELECT id FROM @ours);
DECLARE @columns TABLE (id INT NOT NULL, col INT NOT NULL, name NVARCHAR(128) NOT NULL);
INSERT INTO @columns (id, col, name)
SELECT object_id, column_id, name FROM sys.columns WHERE object_id IN (SELECT id FROM @ours);
SELECT t.name AS tbl, i.name AS idx, i.idx AS place, i.is_unique, i.is_constraint, i.predicate, c.name AS col, k.descends
FROM @ours t
JOIN @indexes i ON i.id = t.id
JOIN @keys k ON k.id = i.id AND k.idx = i.idx
JOIN @columns c ON c.id = k.id AND c.col = k.col
ORDER BY t.name, i.idx, k.place
