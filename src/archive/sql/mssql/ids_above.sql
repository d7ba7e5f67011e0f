-- archive.ids_above
-- @P1 id: none up to it is given out any more.
IF IDENT_CURRENT(N'{table}') < @P1 DBCC CHECKIDENT (N'{table}', RESEED, @P1) WITH NO_INFOMSGS
