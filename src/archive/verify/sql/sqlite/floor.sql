-- verify.floor
-- ?1 resource
SELECT floor FROM archive_head WHERE resource = ?1
