-- archive.reject
-- @P1 resource, @P2 id, @P3 reason, @P4 now: another mover may have noted it.
-- A seek in the primary key.
INSERT INTO archive_rejects (resource, id, reason, at)
SELECT @P1, @P2, @P3, CAST(@P4 AS DATETIME2(6))
WHERE NOT EXISTS (SELECT 1 FROM archive_rejects WHERE resource = @P1 AND id = @P2)
