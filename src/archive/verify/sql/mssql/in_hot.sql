-- verify.in_hot
-- @P1 resource, @P2 ids, as a JSON list: the epoch with the newest key that readers ask cold for, and those rows of these
-- ids that hot holds at it.
-- A seek in the primary key, or in the index of the column children belong by, for each id.
SELECT s.epoch, s.cold_newest_at, s.cold_newest_id, r.first_, r.second_
FROM archive_state s
LEFT JOIN (
    SELECT {first} AS first_, {second} AS second_ FROM {table}
    WHERE {owner} IN (SELECT v FROM OPENJSON(@P2) WITH (v BIGINT '$'))
) r ON 1 = 1
WHERE s.resource = @P1
