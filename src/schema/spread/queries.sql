-- Statements about tables that Citus spreads over workers.

-- name: is_there
-- tier: cold
-- engine: postgres
-- purpose: Finds out whether the server has Citus.
-- index: catalogs

-- name: placements
-- tier: cold
-- engine: postgres
-- purpose: Reads how each table is spread: its column, or none for one with a copy on each worker, its group, and old local rows.
-- index: catalogs of Citus

-- name: workers
-- tier: cold
-- engine: postgres
-- purpose: Counts the workers that hold shards.
-- index: catalogs of Citus

-- name: silent_workers
-- tier: cold
-- engine: postgres
-- purpose: Asks every worker for an answer, and names those that give none.
-- index: none; reads no table

-- name: functions
-- tier: cold
-- engine: postgres
-- purpose: Reads the functions that run a statement on the worker with its shard, as far as Citus passes their calls on.
-- index: catalogs of Citus
