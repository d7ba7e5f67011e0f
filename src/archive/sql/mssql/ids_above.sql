-- archive.ids_above
-- @P1 id: none up to it is given out any more. Not every engine takes a parameter in DBCC.
-- Reads no table.
DECLARE @reseed NVARCHAR(200) = N'DBCC CHECKIDENT (''{table}'', RESEED, ' + CAST(@P1 AS NVARCHAR(20)) + N')';
IF IDENT_CURRENT(N'{table}') < @P1 EXEC (@reseed)
