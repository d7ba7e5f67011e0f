-- load.name_user
-- @P1 id, @P2 username, @P3 email: a user that was only referred to gets its name; a seek in the primary key.
UPDATE users SET username = @P2, email = @P3 WHERE id = @P1
