-- archive.state
-- @P1 resource: locked before it is read, so that a commit still on its way is waited for. A seek in the primary
-- key.
UPDATE archive_state SET updated_at = updated_at
OUTPUT inserted.epoch, inserted.token, inserted.cold_newest_at, inserted.cold_newest_id, inserted.held
WHERE resource = @P1
