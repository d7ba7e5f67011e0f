-- Statements about tables that TimescaleDB cuts into chunks.

-- name: is_there
-- tier: cold
-- engine: postgres
-- purpose: Finds out whether the server has TimescaleDB.
-- index: catalogs

-- name: dimensions
-- tier: cold
-- engine: postgres
-- purpose: Reads by which column each table is cut into chunks, and whether chunks are compressed.
-- index: catalogs of TimescaleDB
