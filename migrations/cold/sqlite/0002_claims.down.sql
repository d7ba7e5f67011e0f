DROP INDEX stock_prices_history_closed_by;
DROP INDEX likes_archive_closed_by;
DROP INDEX comments_archive_closed_by;
DROP INDEX posts_archive_closed_by;
DROP INDEX messages_archive_closed_by;
ALTER TABLE archive_head DROP COLUMN claimed_at;
ALTER TABLE archive_head DROP COLUMN mover;
