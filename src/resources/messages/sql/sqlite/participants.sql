-- messages.participants
-- ?1 conversation
SELECT user1_id, user2_id FROM conversations WHERE id = ?1
