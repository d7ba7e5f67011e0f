-- status.rejects
-- ?1 resource, ?2 how many: the newest rows cold cannot hold, with the number of all of them.
SELECT id, reason, at, count(*) OVER () AS n FROM archive_rejects WHERE resource = ?1 ORDER BY at DESC, id DESC LIMIT ?2
