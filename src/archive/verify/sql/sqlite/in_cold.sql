-- verify.in_cold
-- ?1 ids: every version of the rows of these ids. Open and closed versions are two index ranges.
SELECT {first} AS first_, {second} AS second_, from_epoch, to_epoch FROM {table}
WHERE {owner} IN (SELECT value FROM json_each(?1)) AND to_epoch IS NULL
UNION ALL
SELECT {first} AS first_, {second} AS second_, from_epoch, to_epoch FROM {table}
WHERE {owner} IN (SELECT value FROM json_each(?1)) AND to_epoch IS NOT NULL
ORDER BY first_, second_, from_epoch
