-- The list of a user's conversations. The user may be either of the two, so each half has an index of its own, and no
-- template serves it. Conversations never move: their epoch is 0, and cold holds none.

-- name: hot_slice
-- tier: hot
-- purpose: Reads a slice of a user's conversations and their number.
-- parameters: lower_at time, lower_id int, upper_at time, upper_id int, take int, skip int, count bool, user int
-- index: conversations_user1, conversations_user2

-- name: hot_find
-- tier: hot
-- purpose: Reads a conversation of a user.
-- parameters: id int, user int
-- index: primary key
