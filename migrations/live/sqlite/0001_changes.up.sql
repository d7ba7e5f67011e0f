-- The change feed of messages. A message gets a version when it is inserted or changed, from a counter that triggers raise.
-- SQLite has one writer at a time, so the order of versions is the order of commits.
--
-- Versions stand in a table of their own: one more column of messages would break `INSERT INTO messages VALUES (…)`.
DROP TRIGGER IF EXISTS live_insert;
DROP TRIGGER IF EXISTS live_update;
DROP TRIGGER IF EXISTS live_delete;
DROP TABLE IF EXISTS live_erased;
DROP TABLE IF EXISTS live_moved;
DROP TABLE IF EXISTS live_versions;
DROP TABLE IF EXISTS live_state;

CREATE TABLE live_state (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    incarnation INTEGER NOT NULL,
    floor INTEGER NOT NULL,
    version INTEGER NOT NULL
);
-- No message has a version yet, and no token is older.
INSERT INTO live_state (one, incarnation, floor, version) VALUES (1, 0, 1, 0);

CREATE TABLE live_versions (
    version INTEGER PRIMARY KEY,
    id INTEGER NOT NULL UNIQUE,
    scope INTEGER NOT NULL
);

CREATE TABLE live_moved (
    version INTEGER NOT NULL,
    id INTEGER NOT NULL,
    scope INTEGER NOT NULL,
    PRIMARY KEY (version, id)
) WITHOUT ROWID;

CREATE TABLE live_erased (
    version INTEGER NOT NULL DEFAULT 0,
    id INTEGER NOT NULL,
    scope INTEGER NOT NULL
);
CREATE INDEX live_erased_version ON live_erased (version, id);

-- REPLACE fires no trigger for the row that it deletes, and overrules conflict clauses in triggers: hence DELETE and INSERT.
CREATE TRIGGER live_insert AFTER INSERT ON messages BEGIN
    UPDATE live_state SET version = version + 1;
    DELETE FROM live_versions WHERE id = new.id;
    INSERT INTO live_versions (version, id, scope) SELECT version, new.id, new.conversation_id FROM live_state;
END;

CREATE TRIGGER live_update AFTER UPDATE ON messages BEGIN
    UPDATE live_state SET version = version + 1;
    DELETE FROM live_versions WHERE id IN (old.id, new.id);
    INSERT INTO live_versions (version, id, scope) SELECT version, new.id, new.conversation_id FROM live_state;
END;

-- A mover at work has locked the state row. Rows that a platform deletes are not in the feed.
CREATE TRIGGER live_delete AFTER DELETE ON messages BEGIN
    INSERT INTO live_moved (version, id, scope)
    SELECT version, id, scope FROM live_versions
    WHERE id = old.id AND version >= (SELECT floor FROM live_state)
        AND EXISTS (SELECT 1 FROM archive_state WHERE resource = 'messages' AND mover IS NOT NULL);
    DELETE FROM live_versions WHERE id = old.id;
END;

CREATE TRIGGER live_erase AFTER INSERT ON live_erased BEGIN
    UPDATE live_state SET version = version + 1;
    UPDATE live_erased SET version = (SELECT version FROM live_state) WHERE rowid = new.rowid;
END;
