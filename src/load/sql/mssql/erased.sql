-- load.erased
-- @P1 what the ids are of, @P2 ids, as a JSON list: those of them that were erased; seeks in the primary key.
SELECT id FROM archive_erasures WHERE resource = @P1 AND id IN (SELECT v FROM OPENJSON(@P2) WITH (v BIGINT '$'))
