-- name: kind
-- The triggers are lost when their table is rebuilt; then the feed has to be added again.
SELECT CASE WHEN (
        SELECT count(*) FROM sqlite_schema
        WHERE type = 'trigger' AND tbl_name = 'messages' AND name IN ('live_insert', 'live_update', 'live_delete')
    ) = 3 THEN 1 ELSE 0 END AS n
