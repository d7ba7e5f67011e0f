-- verify.strays
-- ?1 resource: rows that no entry of the journal brought or closed, by the epoch they name.
SELECT epoch, sum(n) AS n FROM (
    SELECT from_epoch AS epoch, count(*) AS n FROM {table} GROUP BY from_epoch
    UNION ALL
    SELECT to_epoch, count(*) FROM {table} WHERE to_epoch IS NOT NULL GROUP BY to_epoch
) named
WHERE NOT EXISTS (SELECT 1 FROM archive_batches b WHERE b.resource = ?1 AND b.epoch = named.epoch)
GROUP BY epoch ORDER BY epoch LIMIT 100
