-- check.epochs
SELECT resource, epoch FROM archive_state ORDER BY resource
