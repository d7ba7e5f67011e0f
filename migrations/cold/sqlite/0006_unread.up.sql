-- The unread messages of a conversation, which its list counts. Few of those that are old enough to be archived.
CREATE INDEX messages_archive_unread ON messages_archive (conversation_id, sender_id) WHERE is_read = 0;
