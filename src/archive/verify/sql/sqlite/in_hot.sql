-- verify.in_hot
-- ?1 resource, ?2 ids: the epoch, and those rows of these ids that hot holds at it.
SELECT s.epoch, r.first_, r.second_
FROM archive_state s
LEFT JOIN (
    SELECT {first} AS first_, {second} AS second_ FROM {table} WHERE {owner} IN (SELECT value FROM json_each(?2))
) r ON 1 = 1
WHERE s.resource = ?1
