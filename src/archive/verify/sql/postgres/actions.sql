-- verify.actions
-- $1 resource: the actions that are counted.
SELECT action_type AS action, count(*) AS n FROM user_behavior_analytics WHERE resource = $1
GROUP BY action_type ORDER BY action_type
