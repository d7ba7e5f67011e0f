-- Statements about the rows in hot that adopted rows refer to.

-- name: participants
-- tier: cold
-- purpose: Reads who wrote in a conversation, in the order of their first message, and when.
-- parameters: conversation int
-- index: messages_archive_open
SELECT sender_id, min(created_at) AS first, max(created_at) AS last FROM messages_archive
WHERE conversation_id = $1 AND to_epoch IS NULL
GROUP BY sender_id ORDER BY min(created_at), min(original_id)
