-- load.erased
-- ?1 what the ids are of, ?2 ids: those of them that were erased.
SELECT id FROM archive_erasures WHERE resource = ?1 AND id IN (SELECT value FROM json_each(?2))
