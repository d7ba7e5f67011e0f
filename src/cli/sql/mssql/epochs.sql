-- check.epochs
-- A scan of the three rows there are.
SELECT resource, epoch FROM archive_state ORDER BY resource
