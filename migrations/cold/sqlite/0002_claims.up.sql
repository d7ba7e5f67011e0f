-- Who claimed the newest number and when. The claim is the one step of a move that others can see while it runs.
ALTER TABLE archive_head ADD COLUMN mover TEXT;
ALTER TABLE archive_head ADD COLUMN claimed_at INTEGER;

-- What a move closed: for taking the move back, and for vacuum.
CREATE INDEX messages_archive_closed_by ON messages_archive (to_epoch) WHERE to_epoch IS NOT NULL;
CREATE INDEX posts_archive_closed_by ON posts_archive (to_epoch) WHERE to_epoch IS NOT NULL;
CREATE INDEX comments_archive_closed_by ON comments_archive (to_epoch) WHERE to_epoch IS NOT NULL;
CREATE INDEX likes_archive_closed_by ON likes_archive (to_epoch) WHERE to_epoch IS NOT NULL;
CREATE INDEX stock_prices_history_closed_by ON stock_prices_history (to_epoch) WHERE to_epoch IS NOT NULL;
