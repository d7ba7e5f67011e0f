-- check.claims
SELECT resource, claimed AS epoch FROM archive_head ORDER BY resource
