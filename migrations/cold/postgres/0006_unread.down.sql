DROP INDEX messages_archive_unread;
