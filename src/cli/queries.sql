-- Statements of the commands that report on a tier.

-- name: sort
-- tier: both
-- purpose: Sorts keys, newest first, as the columns of their types are sorted.
-- parameters: instants ints, ids ints
-- index: none
