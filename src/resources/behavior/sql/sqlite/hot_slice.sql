-- behavior.hot_slice
-- ?8 user, ?9 resource. Hot holds none of it: this brings the state, and says that cold may hold any day.
SELECT epoch, token,
    CASE WHEN cold_newest_at IS NOT NULL THEN 253402300799999999 END AS cold_newest_at,
    CASE WHEN cold_newest_at IS NOT NULL THEN 9223372036854775807 END AS cold_newest_id,
    0 AS n, 0 AS late, NULL AS id
FROM archive_state WHERE resource = ?9 AND ?8 IS NOT NULL
