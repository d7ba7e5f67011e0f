-- Closed versions by the epoch that closed them. A reader wants those closed after his own epoch: what the last moment's
-- moves have closed, hardly ever a row, however many versions a restore has closed before. By their place in a list
-- he would wade through all of them. An interrupted move is undone along the same index.
DROP INDEX messages_archive_closed;
CREATE INDEX messages_archive_closed ON messages_archive (to_epoch) WHERE to_epoch IS NOT NULL;
DROP INDEX posts_archive_closed;
DROP INDEX posts_archive_author_closed;
CREATE INDEX posts_archive_closed ON posts_archive (to_epoch) WHERE to_epoch IS NOT NULL;
DROP INDEX stock_prices_history_closed;
CREATE INDEX stock_prices_history_closed ON stock_prices_history (to_epoch) WHERE to_epoch IS NOT NULL;
-- Of comments and likes both: they are counted post by post.
CREATE INDEX comments_archive_closed_epoch ON comments_archive (to_epoch) WHERE to_epoch IS NOT NULL;
CREATE INDEX likes_archive_closed_epoch ON likes_archive (to_epoch) WHERE to_epoch IS NOT NULL;
