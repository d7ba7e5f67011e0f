-- verify.action_strays
-- $1 resource: counts of moves that the journal does not know.
SELECT from_epoch AS epoch, count(*) AS n FROM user_behavior_analytics u
WHERE resource = $1
    AND NOT EXISTS (SELECT 1 FROM archive_batches b WHERE b.resource = u.resource AND b.epoch = u.from_epoch)
GROUP BY from_epoch ORDER BY from_epoch LIMIT 100
