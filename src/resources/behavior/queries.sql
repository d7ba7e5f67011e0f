-- The list of a user's behaviour. Its rows in cold are sums of signed deltas, so no template serves it.

-- name: hot_slice
-- tier: hot
-- purpose: Reads the archive state. Hot holds no counts; the state says that cold may hold any day.
-- parameters: lower_at time, lower_id int, upper_at time, upper_id int, take int, skip int, count bool, user int, resource text
-- index: primary key of archive_state

-- name: cold_slice
-- tier: cold
-- purpose: Sums a user's actions by day as of an epoch, with the proof of the epoch. Restored and erased rows cancel out.
-- parameters: lower_at time, lower_id int, upper_at time, upper_id int, take int, skip int, epoch int, token int, user int, resource text
-- index: user_behavior_analytics_user
