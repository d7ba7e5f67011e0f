-- archive.open_number
-- $1 ids: how many open versions belong to each.
SELECT {owner} AS id, count(*) AS n FROM {table} WHERE {owner} = ANY ($1) AND to_epoch IS NULL GROUP BY {owner}
