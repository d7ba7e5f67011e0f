-- vacuum.drop_actions
-- $1 users, $2 floor, $3 resource: the counts that are part of the sum now, and sums of nothing, which would only tell
-- that there was something.
DELETE FROM user_behavior_analytics u
WHERE u.user_id = ANY($1) AND u.resource = $3 AND u.from_epoch <= $2 AND (u.action_count = 0 OR EXISTS (
    SELECT 1 FROM user_behavior_analytics sum
    WHERE (sum.user_id, sum.analysis_date, sum.action_type, sum.resource)
            = (u.user_id, u.analysis_date, u.action_type, u.resource)
        AND sum.id > u.id AND sum.from_epoch <= $2
))
