-- archive.erased_again
-- ?1 what the ids are of, ?2 how many: rows that are there though they were erased.
SELECT DISTINCT t.{along} AS id FROM archive_erasures e JOIN {table} t ON t.{along} = e.id WHERE e.resource = ?1 LIMIT ?2
