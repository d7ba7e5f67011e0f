-- What the mover writes to. A row is visible at epoch E when from_epoch <= E and (to_epoch IS NULL or to_epoch > E).
--
-- Each list has two indexes: the open versions, which are nearly all, and the closed ones, so that a read after a
-- large restore does not wade through versions nobody can see. Visibility stays out of the keys. Every unique key
-- holds the column a distributed server would spread the table by. Text is compared byte by byte: nothing may depend
-- on the collation the database was made with.
DO $$
BEGIN
    IF current_setting('server_encoding') <> 'UTF8' THEN
        RAISE EXCEPTION 'the database has the encoding %, and archived text needs UTF8',
            current_setting('server_encoding');
    END IF;
END
$$;

CREATE TABLE messages_archive (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    original_id BIGINT NOT NULL,
    conversation_id BIGINT NOT NULL,
    sender_id BIGINT NOT NULL,
    content TEXT COLLATE "C" NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    is_read BOOLEAN NOT NULL,
    archived_at TIMESTAMPTZ NOT NULL,
    from_epoch BIGINT NOT NULL,
    to_epoch BIGINT,
    PRIMARY KEY (conversation_id, id)
);
CREATE UNIQUE INDEX messages_archive_open ON messages_archive (conversation_id, created_at DESC, original_id DESC)
    WHERE to_epoch IS NULL;
CREATE INDEX messages_archive_closed ON messages_archive (conversation_id, created_at DESC, original_id DESC)
    WHERE to_epoch IS NOT NULL;
CREATE INDEX messages_archive_original ON messages_archive (original_id);
CREATE INDEX messages_archive_batch ON messages_archive (from_epoch);

CREATE TABLE posts_archive (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    original_id BIGINT NOT NULL,
    author_id BIGINT NOT NULL,
    title TEXT COLLATE "C" NOT NULL,
    body TEXT COLLATE "C" NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    archived_at TIMESTAMPTZ NOT NULL,
    from_epoch BIGINT NOT NULL,
    to_epoch BIGINT,
    PRIMARY KEY (author_id, id)
);
CREATE INDEX posts_archive_open ON posts_archive (created_at DESC, original_id DESC) WHERE to_epoch IS NULL;
CREATE INDEX posts_archive_closed ON posts_archive (created_at DESC, original_id DESC) WHERE to_epoch IS NOT NULL;
CREATE UNIQUE INDEX posts_archive_author_open ON posts_archive (author_id, created_at DESC, original_id DESC)
    WHERE to_epoch IS NULL;
CREATE INDEX posts_archive_author_closed ON posts_archive (author_id, created_at DESC, original_id DESC)
    WHERE to_epoch IS NOT NULL;
CREATE INDEX posts_archive_original ON posts_archive (original_id);
CREATE INDEX posts_archive_batch ON posts_archive (from_epoch);

CREATE TABLE comments_archive (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    original_id BIGINT NOT NULL,
    post_id BIGINT NOT NULL,
    author_id BIGINT NOT NULL,
    body TEXT COLLATE "C" NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    archived_at TIMESTAMPTZ NOT NULL,
    from_epoch BIGINT NOT NULL,
    to_epoch BIGINT,
    PRIMARY KEY (post_id, id)
);
CREATE UNIQUE INDEX comments_archive_open ON comments_archive (post_id, created_at DESC, original_id DESC)
    WHERE to_epoch IS NULL;
CREATE INDEX comments_archive_closed ON comments_archive (post_id, created_at DESC, original_id DESC)
    WHERE to_epoch IS NOT NULL;
CREATE INDEX comments_archive_original ON comments_archive (original_id);
CREATE INDEX comments_archive_batch ON comments_archive (from_epoch);

CREATE TABLE likes_archive (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    user_id BIGINT NOT NULL,
    post_id BIGINT NOT NULL,
    archived_at TIMESTAMPTZ NOT NULL,
    from_epoch BIGINT NOT NULL,
    to_epoch BIGINT,
    PRIMARY KEY (post_id, id)
);
CREATE UNIQUE INDEX likes_archive_open ON likes_archive (post_id, user_id) WHERE to_epoch IS NULL;
CREATE INDEX likes_archive_closed ON likes_archive (post_id, user_id) WHERE to_epoch IS NOT NULL;
CREATE INDEX likes_archive_batch ON likes_archive (from_epoch);

CREATE TABLE stock_prices_history (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    original_id BIGINT NOT NULL,
    stock_id BIGINT NOT NULL,
    trade_date DATE NOT NULL,
    open_price NUMERIC(10, 2),
    high_price NUMERIC(10, 2),
    low_price NUMERIC(10, 2),
    close_price NUMERIC(10, 2),
    change_amount NUMERIC(10, 2),
    volume BIGINT,
    turnover BIGINT,
    transaction_count BIGINT,
    created_at TIMESTAMPTZ NOT NULL,
    archived_at TIMESTAMPTZ NOT NULL,
    from_epoch BIGINT NOT NULL,
    to_epoch BIGINT,
    PRIMARY KEY (stock_id, id)
);
CREATE UNIQUE INDEX stock_prices_history_open ON stock_prices_history (stock_id, trade_date DESC)
    WHERE to_epoch IS NULL;
CREATE INDEX stock_prices_history_closed ON stock_prices_history (stock_id, trade_date DESC)
    WHERE to_epoch IS NOT NULL;
CREATE INDEX stock_prices_history_original ON stock_prices_history (original_id);
CREATE INDEX stock_prices_history_batch ON stock_prices_history (from_epoch);

CREATE TABLE user_behavior_analytics (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    user_id BIGINT NOT NULL,
    action_type TEXT COLLATE "C" NOT NULL,
    action_count BIGINT NOT NULL,
    analysis_date DATE NOT NULL,
    metadata JSONB,
    created_at TIMESTAMPTZ NOT NULL,
    resource TEXT COLLATE "C" NOT NULL,
    from_epoch BIGINT NOT NULL,
    PRIMARY KEY (user_id, id)
);
CREATE INDEX user_behavior_analytics_user ON user_behavior_analytics (user_id, analysis_date DESC);
CREATE INDEX user_behavior_analytics_batch ON user_behavior_analytics (resource, from_epoch);

-- Counted blocks: n is a signed delta; a block holds sum(n) rows of its scope at epoch E over from_epoch <= E.
CREATE TABLE messages_archive_blocks (
    scope BIGINT NOT NULL,
    level SMALLINT NOT NULL,
    upper_at TIMESTAMPTZ NOT NULL,
    upper_id BIGINT NOT NULL,
    from_epoch BIGINT NOT NULL,
    n BIGINT NOT NULL,
    PRIMARY KEY (scope, level, upper_at, upper_id, from_epoch)
);
CREATE INDEX messages_archive_blocks_batch ON messages_archive_blocks (from_epoch);

CREATE TABLE posts_archive_blocks (
    scope BIGINT NOT NULL,
    level SMALLINT NOT NULL,
    upper_at TIMESTAMPTZ NOT NULL,
    upper_id BIGINT NOT NULL,
    from_epoch BIGINT NOT NULL,
    n BIGINT NOT NULL,
    PRIMARY KEY (scope, level, upper_at, upper_id, from_epoch)
);
CREATE INDEX posts_archive_blocks_batch ON posts_archive_blocks (from_epoch);

-- The claim row of each resource, and the journal of its moves.
CREATE TABLE archive_head (
    resource TEXT COLLATE "C" PRIMARY KEY,
    pair BIGINT,
    claimed BIGINT NOT NULL DEFAULT 0,
    floor BIGINT NOT NULL DEFAULT 0
);
INSERT INTO archive_head (resource) VALUES ('messages'), ('posts'), ('prices');

CREATE TABLE archive_batches (
    resource TEXT COLLATE "C" NOT NULL,
    epoch BIGINT NOT NULL,
    kind TEXT COLLATE "C" NOT NULL,
    token BIGINT NOT NULL,
    row_count BIGINT NOT NULL,
    first_at TIMESTAMPTZ,
    first_id BIGINT,
    last_at TIMESTAMPTZ,
    last_id BIGINT,
    digest TEXT COLLATE "C" NOT NULL,
    started TIMESTAMPTZ NOT NULL,
    finished TIMESTAMPTZ NOT NULL,
    confirmed BOOLEAN NOT NULL DEFAULT false,
    PRIMARY KEY (resource, epoch)
);
CREATE INDEX archive_batches_confirmed ON archive_batches (resource, epoch DESC) WHERE confirmed;

CREATE TABLE archive_erasures (
    resource TEXT COLLATE "C" NOT NULL,
    id BIGINT NOT NULL,
    reason TEXT COLLATE "C" NOT NULL,
    at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (resource, id)
);
