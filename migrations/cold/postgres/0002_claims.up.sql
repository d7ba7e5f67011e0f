-- Who claimed the newest number and when. The claim is the one step of a move that others can see while it runs.
ALTER TABLE archive_head ADD COLUMN mover TEXT COLLATE "C";
ALTER TABLE archive_head ADD COLUMN claimed_at TIMESTAMPTZ;

-- What a move closed: for taking the move back, and for vacuum. Hashed, so that no reader's plan takes it for the range
-- of what was closed after his epoch.
CREATE INDEX messages_archive_closed_by ON messages_archive USING hash (to_epoch) WHERE to_epoch IS NOT NULL;
CREATE INDEX posts_archive_closed_by ON posts_archive USING hash (to_epoch) WHERE to_epoch IS NOT NULL;
CREATE INDEX comments_archive_closed_by ON comments_archive USING hash (to_epoch) WHERE to_epoch IS NOT NULL;
CREATE INDEX likes_archive_closed_by ON likes_archive USING hash (to_epoch) WHERE to_epoch IS NOT NULL;
CREATE INDEX stock_prices_history_closed_by ON stock_prices_history USING hash (to_epoch) WHERE to_epoch IS NOT NULL;
