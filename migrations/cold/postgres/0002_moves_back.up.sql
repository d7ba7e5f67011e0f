-- What is being erased: 0 until a move has done it, that move's number until nothing is left of the row in cold.
ALTER TABLE archive_erasures ADD COLUMN pending BIGINT;
CREATE INDEX archive_erasures_pending ON archive_erasures (pending) WHERE pending IS NOT NULL;

-- What a move closed, to prove it, to take it back, or to find it again.
CREATE INDEX messages_archive_ended ON messages_archive (to_epoch) WHERE to_epoch IS NOT NULL;
CREATE INDEX posts_archive_ended ON posts_archive (to_epoch) WHERE to_epoch IS NOT NULL;
CREATE INDEX comments_archive_ended ON comments_archive (to_epoch) WHERE to_epoch IS NOT NULL;
CREATE INDEX likes_archive_ended ON likes_archive (to_epoch) WHERE to_epoch IS NOT NULL;
CREATE INDEX stock_prices_history_ended ON stock_prices_history (to_epoch) WHERE to_epoch IS NOT NULL;
