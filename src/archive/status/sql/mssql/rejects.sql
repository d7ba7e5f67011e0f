-- status.rejects
-- @P1 resource, @P2 how many: the newest rows cold cannot hold, with the number of all of them.
-- A seek in the primary key, then a sort of what cold cannot hold.
SELECT TOP (@P2) id, reason, at, COUNT_BIG(*) OVER () AS n FROM archive_rejects WHERE resource = @P1
ORDER BY at DESC, id DESC
