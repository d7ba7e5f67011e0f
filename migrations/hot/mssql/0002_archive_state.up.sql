-- The epoch of each resource, kept where the rows leave from, so that it changes in the transaction that removes them.
CREATE TABLE archive_state (
    resource NVARCHAR(20) COLLATE Latin1_General_BIN2 NOT NULL CONSTRAINT archive_state_pk PRIMARY KEY,
    pair BIGINT NULL,
    epoch BIGINT NOT NULL CONSTRAINT archive_state_epoch DEFAULT 0,
    token BIGINT NULL,
    cold_newest_at DATETIME2(6) NULL,
    cold_newest_id BIGINT NULL,
    mover NVARCHAR(200) NULL,
    held BIT NOT NULL CONSTRAINT archive_state_held DEFAULT 0,
    updated_at DATETIME2(6) NULL
);
INSERT INTO archive_state (resource) VALUES (N'messages'), (N'posts'), (N'prices');

CREATE TABLE archive_rejects (
    resource NVARCHAR(20) COLLATE Latin1_General_BIN2 NOT NULL,
    id BIGINT NOT NULL,
    reason NVARCHAR(MAX) NOT NULL,
    at DATETIME2(6) NOT NULL,
    CONSTRAINT archive_rejects_pk PRIMARY KEY (resource, id)
);

CREATE TABLE archive_erasures (
    resource NVARCHAR(20) COLLATE Latin1_General_BIN2 NOT NULL,
    id BIGINT NOT NULL,
    reason NVARCHAR(MAX) NOT NULL,
    at DATETIME2(6) NOT NULL,
    CONSTRAINT archive_erasures_pk PRIMARY KEY (resource, id)
);
