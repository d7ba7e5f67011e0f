-- The change feed of messages. A message gets a version when it is inserted or changed: the number of the transaction. Every
-- transaction below the lowest one that is still open has ended, so a snapshot tells how far the feed is whole.

-- Waits for a mover that began before; one that begins later finds the feed.
UPDATE archive_state SET updated_at = updated_at WHERE resource = 'messages';

DROP TRIGGER IF EXISTS live_update ON messages;
DROP TABLE IF EXISTS live_erased;
DROP TABLE IF EXISTS live_moved;
DROP TABLE IF EXISTS live_state;
ALTER TABLE messages DROP COLUMN IF EXISTS live_version;

-- Rows that have not changed since have no version: with a default from the start, all of them would be rewritten.
ALTER TABLE messages ADD COLUMN live_version xid8;
ALTER TABLE messages ALTER COLUMN live_version SET DEFAULT pg_current_xact_id();
CREATE INDEX messages_live ON messages (live_version, id) INCLUDE (conversation_id) WHERE live_version IS NOT NULL;

CREATE OR REPLACE FUNCTION live_version() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.live_version := pg_current_xact_id();
    RETURN NEW;
END
$$;
CREATE TRIGGER live_update BEFORE UPDATE ON messages FOR EACH ROW EXECUTE FUNCTION live_version();

CREATE TABLE live_state (
    one INTEGER PRIMARY KEY,
    incarnation BIGINT NOT NULL,
    floor BIGINT NOT NULL
);

CREATE TABLE live_moved (
    version BIGINT NOT NULL,
    id BIGINT NOT NULL,
    scope BIGINT NOT NULL,
    PRIMARY KEY (version, id)
);

CREATE TABLE live_erased (
    version BIGINT NOT NULL DEFAULT pg_current_xact_id()::text::bigint,
    id BIGINT NOT NULL,
    scope BIGINT NOT NULL
);
CREATE INDEX live_erased_version ON live_erased (version, id);

-- No token is below the lowest transaction that is open now, and none of those has written to the table yet.
INSERT INTO live_state (one, incarnation, floor)
VALUES (1, 0, pg_snapshot_xmin(pg_current_snapshot())::text::bigint);
