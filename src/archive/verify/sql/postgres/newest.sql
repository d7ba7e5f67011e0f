-- verify.newest
-- $1 resource: the newest entry of the journal.
SELECT max(epoch) AS epoch FROM archive_batches WHERE resource = $1
