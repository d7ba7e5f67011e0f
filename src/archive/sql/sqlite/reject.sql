-- archive.reject
-- ?1 resource, ?2 id, ?3 reason, ?4 now: another mover may have noted it.
INSERT INTO archive_rejects (resource, id, reason, at)
SELECT ?1, ?2, ?3, ?4 WHERE NOT EXISTS (SELECT 1 FROM archive_rejects WHERE resource = ?1 AND id = ?2)
