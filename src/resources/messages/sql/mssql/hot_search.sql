-- messages.hot_search
-- @P7 unused (matches are not counted), @P8 conversation, @P9 what to find, ASCII letters in lower case; a seek in messages_key, each row of it looked into.
-- LOWER folds more letters than ASCII's, LIKE has wildcards, and other collations ignore width, kana and more:
-- TRANSLATE and CHARINDEX over a binary collation find exactly what the other engines find.
WITH s AS (
    SELECT epoch, token, cold_newest_at, cold_newest_id FROM archive_state WHERE resource = N'messages'
)
SELECT s.epoch, s.token, s.cold_newest_at, s.cold_newest_id, CAST(NULL AS BIGINT) AS n, CAST(NULL AS BIGINT) AS late,
    r.*
FROM s LEFT JOIN (
    SELECT id, conversation_id, sender_id, content, created_at, is_read FROM messages
    WHERE conversation_id = @P8 AND created_at >= CAST(@P1 AS DATETIME2(6))
        AND created_at <= CAST(@P3 AS DATETIME2(6))
        AND (created_at > CAST(@P1 AS DATETIME2(6)) OR (created_at = CAST(@P1 AS DATETIME2(6)) AND id >= @P2))
        AND (created_at < CAST(@P3 AS DATETIME2(6)) OR (created_at = CAST(@P3 AS DATETIME2(6)) AND id < @P4))
        AND CHARINDEX(@P9 COLLATE Latin1_General_BIN2,
            TRANSLATE(content COLLATE Latin1_General_BIN2,
                N'ABCDEFGHIJKLMNOPQRSTUVWXYZ', N'abcdefghijklmnopqrstuvwxyz')) > 0
    ORDER BY created_at DESC, id DESC
    OFFSET @P6 ROWS FETCH NEXT CASE WHEN @P5 > 0 THEN @P5 ELSE 1 END ROWS ONLY
) r ON @P5 > 0
ORDER BY r.created_at DESC, r.id DESC
