-- Statements of the health probes.

-- name: ping
-- tier: both
-- purpose: Answers one row, which shows that the database is reachable.
-- index: none
SELECT 1 AS one
