-- What operators ask of the movers of each resource. It is a table of its own, because a move keeps its row of
-- archive_state locked.
CREATE TABLE archive_control (
    resource NVARCHAR(20) COLLATE Latin1_General_BIN2 NOT NULL CONSTRAINT archive_control_pk PRIMARY KEY,
    paused BIT NOT NULL CONSTRAINT archive_control_paused DEFAULT 0,
    rows_per_second BIGINT NULL,
    max_hot_latency_ms BIGINT NULL,
    changed_at DATETIME2(6) NULL
);
INSERT INTO archive_control (resource) VALUES (N'messages'), (N'posts'), (N'prices');
