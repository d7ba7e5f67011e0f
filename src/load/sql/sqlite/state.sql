-- load.state
-- ?1 resource: the epoch that stays while this transaction holds the write lock.
SELECT epoch, token, cold_newest_at FROM archive_state WHERE resource = ?1
