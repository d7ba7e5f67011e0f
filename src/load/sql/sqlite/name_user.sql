-- load.name_user
-- ?1 id, ?2 username, ?3 email: a user that was only referred to gets its name.
UPDATE users SET username = ?2, email = ?3 WHERE id = ?1
