-- archive.undo_behavior
-- $1 resource, $2 epoch
DELETE FROM user_behavior_analytics WHERE resource = $1 AND from_epoch = $2
