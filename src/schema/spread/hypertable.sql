-- Statements about tables that TimescaleDB cuts into chunks.

-- name: extension
-- tier: cold
-- engine: postgres
-- purpose: Finds out whether the database has TimescaleDB, and in which schema its functions are.
-- index: catalogs

-- name: dimensions
-- tier: cold
-- engine: postgres
-- purpose: Reads by which column each table is cut into chunks, and whether chunks are compressed.
-- index: catalogs of TimescaleDB
