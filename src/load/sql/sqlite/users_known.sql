-- load.users_known
-- ?1 ids
SELECT id FROM users WHERE id IN (SELECT value FROM json_each(?1))
