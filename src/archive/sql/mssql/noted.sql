-- archive.noted
-- @P1 what the ids are of: all that were erased.
-- A seek in the primary key.
SELECT id FROM archive_erasures WHERE resource = @P1 ORDER BY id
