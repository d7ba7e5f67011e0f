-- vacuum.actors
-- $1 user, $2 how many: the next users of whom anything is counted; a walk along user_behavior_analytics_user.
SELECT DISTINCT user_id FROM user_behavior_analytics WHERE user_id > $1 ORDER BY user_id LIMIT $2
