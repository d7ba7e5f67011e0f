-- What is being erased: 0 until a move has done it, that move's number until nothing is left of the row in cold.
ALTER TABLE archive_erasures ADD COLUMN pending INTEGER;
CREATE INDEX archive_erasures_pending ON archive_erasures (pending) WHERE pending IS NOT NULL;
