-- Signatures of counted blocks, so that a search need not read blocks whose texts cannot match. Blocks without one are read;
-- `archive vacuum` signs those that were counted before.
CREATE TABLE messages_archive_signatures (
    scope INTEGER NOT NULL,
    upper_at INTEGER NOT NULL,
    upper_id INTEGER NOT NULL,
    from_epoch INTEGER NOT NULL,
    grams BLOB NOT NULL,
    PRIMARY KEY (scope, upper_at, upper_id, from_epoch)
) WITHOUT ROWID;
CREATE INDEX messages_archive_signatures_batch ON messages_archive_signatures (from_epoch);
