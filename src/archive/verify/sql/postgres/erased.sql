-- verify.erased
-- $1 what the ids are of: open rows that belong to an id that was erased, and is not noted as still to be.
SELECT e.id, count(*) AS n FROM archive_erasures e JOIN {table} t ON t.{along} = e.id AND t.to_epoch IS NULL
WHERE e.resource = $1 AND e.pending IS DISTINCT FROM 0
GROUP BY e.id ORDER BY e.id LIMIT 100
