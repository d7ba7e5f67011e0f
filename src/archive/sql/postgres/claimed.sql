-- archive.claimed
-- $1 resource: locks the claim row, so that nobody can claim until the transaction ends.
SELECT claimed FROM archive_head WHERE resource = $1 FOR UPDATE
