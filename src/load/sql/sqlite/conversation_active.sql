-- load.conversation_active
-- ?1 id, ?2 second user, ?3 oldest message, ?4 newest message
UPDATE conversations SET user2_id = coalesce(user2_id, ?2), created_at = min(created_at, ?3),
    updated_at = max(updated_at, ?4)
WHERE id = ?1
