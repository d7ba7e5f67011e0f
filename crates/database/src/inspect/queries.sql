-- What the catalogs tell of the tables that are asked for.

-- name: server
-- tier: both
-- purpose: Tells the engine, its version, whether snapshot isolation is on, the size of the database, and how far its clock is ahead of UTC.
-- index: none: the catalog

-- name: tables
-- tier: both
-- purpose: Estimates rows and bytes of each table.
-- parameters: names as a JSON list text
-- index: the catalog, by table

-- name: columns
-- tier: both
-- purpose: Reads the columns of the tables, in order.
-- parameters: names as a JSON list text
-- index: the catalog, by table

-- name: indexes
-- tier: both
-- purpose: Reads the indexes of the tables, a row for each column.
-- parameters: names as a JSON list text
-- index: the catalog, by table

-- name: foreign_keys
-- tier: both
-- purpose: Reads the foreign keys of the tables, and those of other tables that refer to them.
-- parameters: names as a JSON list text
-- index: the catalog, by table

-- name: triggers
-- tier: both
-- purpose: Reads the triggers of the tables that fire in an ordinary session.
-- parameters: names as a JSON list text
-- index: the catalog, by table

-- name: outline
-- tier: both
-- purpose: Reads the names of columns and of the triggers that fire of the tables.
-- parameters: names as a JSON list text
-- index: the catalog, by table
