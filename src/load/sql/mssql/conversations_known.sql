-- load.conversations_known
-- @P1 ids, as a JSON list; seeks in the primary key.
SELECT id, user1_id, user2_id FROM conversations WHERE id IN (SELECT v FROM OPENJSON(@P1) WITH (v BIGINT '$'))
