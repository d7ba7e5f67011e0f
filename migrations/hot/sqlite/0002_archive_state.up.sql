-- The epoch of each resource, kept where the rows leave from, so that it changes in the transaction that removes them.
CREATE TABLE archive_state (
    resource TEXT PRIMARY KEY NOT NULL,
    pair INTEGER,
    epoch INTEGER NOT NULL DEFAULT 0,
    token INTEGER,
    cold_newest_at INTEGER,
    cold_newest_id INTEGER,
    mover TEXT,
    held INTEGER NOT NULL DEFAULT 0,
    updated_at INTEGER
);
INSERT INTO archive_state (resource) VALUES ('messages'), ('posts'), ('prices');

CREATE TABLE archive_rejects (
    resource TEXT NOT NULL,
    id INTEGER NOT NULL,
    reason TEXT NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (resource, id)
) WITHOUT ROWID;

CREATE TABLE archive_erasures (
    resource TEXT NOT NULL,
    id INTEGER NOT NULL,
    reason TEXT NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (resource, id)
) WITHOUT ROWID;
