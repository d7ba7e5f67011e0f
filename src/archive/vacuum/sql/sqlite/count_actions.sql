-- vacuum.count_actions
-- ?1 floor, ?2 resource: how many counts of what users did would become part of another, or are nothing together.
SELECT coalesce(sum(CASE WHEN n = 0 THEN several ELSE several - 1 END), 0) AS n FROM (
    SELECT count(*) AS several, sum(action_count) AS n FROM user_behavior_analytics
    WHERE resource = ?2 AND from_epoch <= ?1 GROUP BY user_id, analysis_date, action_type
) AS counts
