-- archive.ids_after
-- @P1 id, @P2 how many: the ids above it; a seek in the primary key.
SELECT TOP (@P2) id FROM {table} WHERE id > @P1 ORDER BY id
