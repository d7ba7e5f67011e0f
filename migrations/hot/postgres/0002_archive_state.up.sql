-- The epoch of each resource, kept where the rows leave from, so that it changes in the transaction that removes them.
CREATE TABLE archive_state (
    resource TEXT COLLATE "C" PRIMARY KEY,
    pair BIGINT,
    epoch BIGINT NOT NULL DEFAULT 0,
    token BIGINT,
    cold_newest_at TIMESTAMPTZ,
    cold_newest_id BIGINT,
    mover TEXT COLLATE "C",
    held BOOLEAN NOT NULL DEFAULT false,
    updated_at TIMESTAMPTZ
);
INSERT INTO archive_state (resource) VALUES ('messages'), ('posts'), ('prices');

CREATE TABLE archive_rejects (
    resource TEXT COLLATE "C" NOT NULL,
    id BIGINT NOT NULL,
    reason TEXT COLLATE "C" NOT NULL,
    at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (resource, id)
);

CREATE TABLE archive_erasures (
    resource TEXT COLLATE "C" NOT NULL,
    id BIGINT NOT NULL,
    reason TEXT COLLATE "C" NOT NULL,
    at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (resource, id)
);
