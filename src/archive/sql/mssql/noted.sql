-- archive.noted
-- @P1 what the ids are of: all that were erased.
SELECT id FROM archive_erasures WHERE resource = @P1 ORDER BY id
