-- status.batches
-- ?1 resource: the last move, and before it those hot has not been seen to commit, newest first.
SELECT epoch, kind, row_count, finished, confirmed FROM archive_batches
WHERE resource = ?1
    AND (confirmed = 0 OR epoch = (SELECT max(epoch) FROM archive_batches WHERE resource = ?1))
ORDER BY epoch DESC
