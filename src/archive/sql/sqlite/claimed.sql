-- archive.claimed
-- ?1 resource. The transaction holds the file's write lock: nobody can claim until it ends.
SELECT claimed FROM archive_head WHERE resource = ?1
