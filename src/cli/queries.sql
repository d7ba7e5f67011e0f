-- Statements of the commands that report on a tier.

-- name: epochs
-- tier: hot
-- purpose: Reads the epoch of every resource that moves.
-- index: none; a scan of one row for each resource
SELECT resource, epoch FROM archive_state ORDER BY resource

-- name: claims
-- tier: cold
-- purpose: Reads the newest claimed epoch of every resource that moves.
-- index: none; a scan of one row for each resource
SELECT resource, claimed AS epoch FROM archive_head ORDER BY resource

-- name: sort
-- tier: both
-- purpose: Sorts keys, newest first, as the columns of their types are sorted.
-- parameters: instants ints, ids ints
-- index: none
