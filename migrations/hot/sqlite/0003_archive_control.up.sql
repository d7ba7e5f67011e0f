-- What operators ask of the movers of each resource. It is a table of its own, because a move keeps its row of
-- archive_state locked.
CREATE TABLE archive_control (
    resource TEXT PRIMARY KEY NOT NULL,
    paused INTEGER NOT NULL DEFAULT 0,
    rows_per_second INTEGER,
    max_hot_latency_ms INTEGER,
    changed_at INTEGER
);
INSERT INTO archive_control (resource) VALUES ('messages'), ('posts'), ('prices');
