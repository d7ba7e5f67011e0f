-- verify.in_hot
-- ?1 resource, ?2 ids: the epoch with the newest key that readers ask cold for, and those rows of these ids that hot holds
-- at it.
SELECT s.epoch, s.cold_newest_at, s.cold_newest_id, r.first_, r.second_
FROM archive_state s
LEFT JOIN (
    SELECT {first} AS first_, {second} AS second_ FROM {table} WHERE {owner} IN (SELECT value FROM json_each(?2))
) r ON 1 = 1
WHERE s.resource = ?1
