-- What operators ask of the movers of each resource. It is a table of its own, because a move keeps its row of
-- archive_state locked.
CREATE TABLE archive_control (
    resource TEXT COLLATE "C" PRIMARY KEY,
    paused BOOLEAN NOT NULL DEFAULT false,
    rows_per_second BIGINT,
    max_hot_latency_ms BIGINT,
    changed_at TIMESTAMPTZ
);
INSERT INTO archive_control (resource) VALUES ('messages'), ('posts'), ('prices');
