-- The list of a user's conversations. The user may be either of the two, so each half has an index of its own, and no
-- template serves it. Conversations never move: their epoch is 0, and cold holds none.

-- name: hot_slice
-- tier: hot
-- purpose: Reads a slice of a user's conversations and their number, by {at}.
-- parameters: lower_at time, lower_id int, upper_at time, upper_id int, take int, skip int, count bool, user int
-- index: conversations_user1, conversations_user2

-- name: overview_hot
-- tier: hot
-- purpose: Reads of conversations their users, the newest message in hot and the number of unread ones of the other side, with the archive state.
-- parameters: conversations ints, reader int
-- index: primary keys, messages_key

-- name: overview_cold
-- tier: cold
-- purpose: Reads of conversations the newest archived message and the number of unread ones of the other side as of an epoch, with the proof of the epoch.
-- parameters: conversations ints, reader int, epoch int, token int
-- index: messages_archive_open, messages_archive_closed, messages_archive_unread

-- name: hot_find
-- tier: hot
-- purpose: Reads a conversation of a user.
-- parameters: id int, user int
-- index: primary key
