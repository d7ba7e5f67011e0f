-- Signatures of counted blocks, so that a search need not read blocks whose texts cannot match. Blocks without one are read;
-- `archive vacuum` signs those that were counted before. A signature of up to a page is read fastest inside its row.
CREATE TABLE messages_archive_signatures (
    scope BIGINT NOT NULL,
    upper_at TIMESTAMPTZ NOT NULL,
    upper_id BIGINT NOT NULL,
    from_epoch BIGINT NOT NULL,
    grams BYTEA NOT NULL,
    PRIMARY KEY (scope, upper_at, upper_id, from_epoch)
) WITH (toast_tuple_target = 8160);
ALTER TABLE messages_archive_signatures ALTER COLUMN grams SET STORAGE EXTERNAL;
CREATE INDEX messages_archive_signatures_batch ON messages_archive_signatures (from_epoch);
