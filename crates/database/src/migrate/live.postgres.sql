-- name: kind
SELECT CASE WHEN to_regclass('live_state') IS NOT NULL AND EXISTS (
        SELECT 1 FROM pg_attribute a
        WHERE a.attrelid = to_regclass('messages') AND a.attname = 'live_version' AND NOT a.attisdropped
    ) AND EXISTS (
        SELECT 1 FROM pg_trigger t
        WHERE t.tgrelid = to_regclass('messages') AND t.tgname = 'live_update' AND t.tgenabled <> 'D'
    ) THEN 4 ELSE 0 END AS n
