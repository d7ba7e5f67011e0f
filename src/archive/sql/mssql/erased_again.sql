-- archive.erased_again
-- @P1 what the ids are of, @P2 how many: rows that are there though they were erased.
-- A seek in the primary key of the notes, then one in that of the table for each.
SELECT DISTINCT TOP (@P2) t.{along} AS id FROM archive_erasures e JOIN {table} t ON t.{along} = e.id WHERE e.resource = @P1
