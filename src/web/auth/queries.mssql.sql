-- The parameter is cast to the type of the column, so that an index can be used.

-- name: user_by_username
SELECT TOP (20) id, username AS value FROM users WHERE username = CAST($1 AS NVARCHAR(200))

-- name: user_by_email
SELECT TOP (20) id, email AS value FROM users WHERE email = CAST($1 AS NVARCHAR(320))
