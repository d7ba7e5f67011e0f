-- load.state
-- @P1 resource: the epoch, which stays while this transaction holds the row it has locked. An UPDATE, never a lock hint:
-- not every engine heeds those. A seek in the primary key.
UPDATE archive_state SET updated_at = updated_at OUTPUT inserted.epoch, inserted.token, inserted.cold_newest_at
WHERE resource = @P1
