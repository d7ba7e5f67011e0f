-- name: locked_state
SELECT pair, epoch, token, cold_newest_at, cold_newest_id, held FROM archive_state WHERE resource = $1 FOR UPDATE

-- name: live_bound
SELECT incarnation, pg_snapshot_xmin(pg_current_snapshot())::text::bigint AS bound FROM live_state
