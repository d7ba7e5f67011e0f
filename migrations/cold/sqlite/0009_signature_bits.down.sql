DELETE FROM messages_archive_signatures;
ALTER TABLE messages_archive_signatures RENAME COLUMN bits TO grams;
