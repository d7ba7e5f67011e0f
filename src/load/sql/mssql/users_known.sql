-- load.users_known
-- @P1 ids, as a JSON list; seeks in the primary key.
SELECT id FROM users WHERE id IN (SELECT v FROM OPENJSON(@P1) WITH (v BIGINT '$'))
