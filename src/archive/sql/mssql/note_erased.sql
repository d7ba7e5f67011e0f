-- archive.note_erased
-- @P1 what the ids are of, @P2 ids, as a JSON list, @P3 reason, @P4 now
-- A seek in the primary key for each id.
INSERT INTO archive_erasures (resource, id, reason, at)
SELECT @P1, i.v, @P3, CAST(@P4 AS DATETIME2(6)) FROM OPENJSON(@P2) WITH (v BIGINT '$') i
WHERE NOT EXISTS (SELECT 1 FROM archive_erasures e WHERE e.resource = @P1 AND e.id = i.v)
