-- load.conversations_known
-- ?1 ids
SELECT id, user1_id, user2_id FROM conversations WHERE id IN (SELECT value FROM json_each(?1))
