DROP INDEX likes_archive_closed_epoch;
DROP INDEX comments_archive_closed_epoch;
DROP INDEX stock_prices_history_closed;
CREATE INDEX stock_prices_history_closed ON stock_prices_history (stock_id, trade_date DESC)
    WHERE to_epoch IS NOT NULL;
DROP INDEX posts_archive_closed;
CREATE INDEX posts_archive_closed ON posts_archive (created_at DESC, original_id DESC) WHERE to_epoch IS NOT NULL;
CREATE INDEX posts_archive_author_closed ON posts_archive (author_id, created_at DESC, original_id DESC)
    WHERE to_epoch IS NOT NULL;
DROP INDEX messages_archive_closed;
CREATE INDEX messages_archive_closed ON messages_archive (conversation_id, created_at DESC, original_id DESC)
    WHERE to_epoch IS NOT NULL;
