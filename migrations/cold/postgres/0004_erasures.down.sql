DROP INDEX archive_erasures_pending;
ALTER TABLE archive_erasures DROP COLUMN pending;
