-- Statements that find the user of a token.

-- name: user_by_username
-- tier: hot
-- purpose: Finds the users whose name the database holds for equal.
-- parameters: value text
-- index: the platform's own index of users by name, if there is one
SELECT id, username AS value FROM users WHERE username = $1 LIMIT 20

-- name: user_by_email
-- tier: hot
-- purpose: Finds the users whose email address the database holds for equal.
-- parameters: value text
-- index: the platform's own index of users by email address, if there is one
SELECT id, email AS value FROM users WHERE email = $1 LIMIT 20
