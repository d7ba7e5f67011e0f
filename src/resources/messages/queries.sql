-- Statements of messages beside those of their lists.

-- name: participants
-- tier: hot
-- purpose: Reads the two users of a conversation.
-- parameters: conversation int
-- index: primary key
SELECT user1_id, user2_id FROM conversations WHERE id = $1

-- name: participants_of_many
-- tier: hot
-- purpose: Reads the users of conversations.
-- parameters: conversations ints
-- index: primary key
SELECT id, user1_id, user2_id FROM conversations WHERE id {any $1}

-- name: conversations_of
-- tier: hot
-- purpose: Reads the conversations of a user.
-- parameters: user int
-- index: conversations_user1, conversations_user2
SELECT id FROM conversations WHERE user1_id = $1
UNION SELECT id FROM conversations WHERE user2_id = $1

-- name: due
-- tier: hot
-- purpose: Picks the oldest messages that are due, without those that were rejected.
-- parameters: older_than time, limit int
-- index: messages_due
SELECT id, 1 AS weight, octet_length(content) AS bytes FROM messages m
WHERE created_at < $1
    AND NOT EXISTS (SELECT 1 FROM archive_rejects r WHERE r.resource = 'messages' AND r.id = m.id)
ORDER BY created_at, id LIMIT $2

-- name: due_count
-- tier: hot
-- purpose: Counts the messages that are due and finds the oldest.
-- parameters: older_than time
-- index: messages_due
SELECT count(*) AS n, min(created_at) AS oldest FROM messages m
WHERE created_at < $1
    AND NOT EXISTS (SELECT 1 FROM archive_rejects r WHERE r.resource = 'messages' AND r.id = m.id)

-- name: block_keys
-- tier: cold
-- purpose: Reads the open keys of a conversation between two bounds, the lower one exclusive, oldest first.
-- parameters: conversation int, lower_at time, lower_id int, upper_at time, upper_id int
-- index: messages_archive_open
SELECT created_at, original_id FROM messages_archive
WHERE conversation_id = $1 AND (created_at, original_id) > ($2, $3) AND (created_at, original_id) <= ($4, $5)
    AND to_epoch IS NULL
ORDER BY created_at, original_id

-- name: block_texts
-- tier: cold
-- purpose: Reads the open keys of a conversation between two bounds, the lower one exclusive, oldest first, with their texts.
-- parameters: conversation int, lower_at time, lower_id int, upper_at time, upper_id int
-- index: messages_archive_open
SELECT created_at, original_id, content AS text FROM messages_archive
WHERE conversation_id = $1 AND (created_at, original_id) > ($2, $3) AND (created_at, original_id) <= ($4, $5)
    AND to_epoch IS NULL
ORDER BY created_at, original_id
