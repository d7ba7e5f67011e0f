DROP INDEX stock_prices_history_ended;
DROP INDEX likes_archive_ended;
DROP INDEX comments_archive_ended;
DROP INDEX posts_archive_ended;
DROP INDEX messages_archive_ended;
ALTER TABLE archive_head DROP COLUMN claimed_at;
ALTER TABLE archive_head DROP COLUMN mover;
