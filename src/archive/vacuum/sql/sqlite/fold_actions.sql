-- vacuum.fold_actions
-- ?1 users, ?2 floor, ?3 resource: one count of a day's action up to the floor becomes the sum of them all.
UPDATE user_behavior_analytics AS u
SET action_count = folded.n, from_epoch = folded.from_epoch, created_at = folded.created_at
FROM (
    SELECT user_id, max(id) AS id, max(from_epoch) AS from_epoch, max(created_at) AS created_at,
        sum(action_count) AS n
    FROM user_behavior_analytics
    WHERE user_id IN (SELECT value FROM json_each(?1)) AND resource = ?3 AND from_epoch <= ?2
    GROUP BY user_id, analysis_date, action_type HAVING count(*) > 1
) folded
WHERE u.user_id = folded.user_id AND u.id = folded.id
