-- load.conversation_active
-- @P1 id, @P2 second user, @P3 oldest message, @P4 newest message; a seek in the primary key.
UPDATE conversations SET
    user2_id = COALESCE(user2_id, @P2),
    created_at = CASE WHEN created_at > CAST(@P3 AS DATETIME2(6)) THEN CAST(@P3 AS DATETIME2(6)) ELSE created_at END,
    updated_at = CASE WHEN updated_at < CAST(@P4 AS DATETIME2(6)) THEN CAST(@P4 AS DATETIME2(6)) ELSE updated_at END
WHERE id = @P1
