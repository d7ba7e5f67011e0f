-- archive.open_number
-- ?1 ids: how many open versions belong to each, and the bytes of text in them.
SELECT {owner} AS id, count(*) AS n, coalesce(sum({bytes}), 0) AS bytes FROM {table}
WHERE {owner} IN (SELECT value FROM json_each(?1)) AND to_epoch IS NULL GROUP BY {owner}
