DROP INDEX stock_prices_history_ended;
DROP INDEX likes_archive_ended;
DROP INDEX comments_archive_ended;
DROP INDEX posts_archive_ended;
DROP INDEX messages_archive_ended;
DROP INDEX archive_erasures_pending;
ALTER TABLE archive_erasures DROP COLUMN pending;
