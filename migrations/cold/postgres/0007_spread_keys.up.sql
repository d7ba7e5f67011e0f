-- Keys that hold what a server spreads a table by: posts by their id, beside their comments and likes; messages and prices also
-- by time. The new indexes are built before the old ones are dropped, so that readers go on meanwhile.
CREATE UNIQUE INDEX messages_archive_key ON messages_archive (conversation_id, created_at, id);
CREATE UNIQUE INDEX posts_archive_key ON posts_archive (original_id, id);
CREATE UNIQUE INDEX stock_prices_history_key ON stock_prices_history (stock_id, trade_date, id);
ALTER TABLE messages_archive DROP CONSTRAINT messages_archive_pkey,
    ADD CONSTRAINT messages_archive_pkey PRIMARY KEY USING INDEX messages_archive_key;
ALTER TABLE posts_archive DROP CONSTRAINT posts_archive_pkey,
    ADD CONSTRAINT posts_archive_pkey PRIMARY KEY USING INDEX posts_archive_key;
ALTER TABLE stock_prices_history DROP CONSTRAINT stock_prices_history_pkey,
    ADD CONSTRAINT stock_prices_history_pkey PRIMARY KEY USING INDEX stock_prices_history_key;
