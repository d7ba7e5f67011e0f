-- Statements of the health probes.

-- name: hot
-- tier: hot
-- purpose: Reads the state of the archive, which shows that the database is reachable and is the platform's.
-- index: scan of the three rows of archive_state
SELECT resource FROM archive_state

-- name: cold
-- tier: cold
-- purpose: Reads the heads of the journal, which shows that the database is reachable and is the archive.
-- index: scan of the three rows of archive_head
SELECT resource FROM archive_head
