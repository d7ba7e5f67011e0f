-- messages.participants
-- @P1 conversation; a seek in the primary key.
SELECT user1_id, user2_id FROM conversations WHERE id = @P1
