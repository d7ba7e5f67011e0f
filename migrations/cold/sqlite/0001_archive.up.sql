-- What the mover writes to. A row is visible at epoch E when from_epoch <= E and (to_epoch IS NULL or to_epoch > E).
--
-- Each list has two indexes: the open versions, which are nearly all, and the closed ones, so that a read after a
-- large restore does not wade through versions nobody can see. Visibility stays out of the keys.
CREATE TABLE messages_archive (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    original_id INTEGER NOT NULL,
    conversation_id INTEGER NOT NULL,
    sender_id INTEGER NOT NULL,
    content TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    is_read INTEGER NOT NULL,
    archived_at INTEGER NOT NULL,
    from_epoch INTEGER NOT NULL,
    to_epoch INTEGER
);
CREATE UNIQUE INDEX messages_archive_open ON messages_archive (conversation_id, created_at DESC, original_id DESC)
    WHERE to_epoch IS NULL;
CREATE INDEX messages_archive_closed ON messages_archive (conversation_id, created_at DESC, original_id DESC)
    WHERE to_epoch IS NOT NULL;
CREATE INDEX messages_archive_original ON messages_archive (original_id);
CREATE INDEX messages_archive_batch ON messages_archive (from_epoch);

CREATE TABLE posts_archive (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    original_id INTEGER NOT NULL,
    author_id INTEGER NOT NULL,
    title TEXT NOT NULL,
    body TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    archived_at INTEGER NOT NULL,
    from_epoch INTEGER NOT NULL,
    to_epoch INTEGER
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
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    original_id INTEGER NOT NULL,
    post_id INTEGER NOT NULL,
    author_id INTEGER NOT NULL,
    body TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    archived_at INTEGER NOT NULL,
    from_epoch INTEGER NOT NULL,
    to_epoch INTEGER
);
CREATE UNIQUE INDEX comments_archive_open ON comments_archive (post_id, created_at DESC, original_id DESC)
    WHERE to_epoch IS NULL;
CREATE INDEX comments_archive_closed ON comments_archive (post_id, created_at DESC, original_id DESC)
    WHERE to_epoch IS NOT NULL;
CREATE INDEX comments_archive_original ON comments_archive (original_id);
CREATE INDEX comments_archive_batch ON comments_archive (from_epoch);

CREATE TABLE likes_archive (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    user_id INTEGER NOT NULL,
    post_id INTEGER NOT NULL,
    archived_at INTEGER NOT NULL,
    from_epoch INTEGER NOT NULL,
    to_epoch INTEGER
);
CREATE UNIQUE INDEX likes_archive_open ON likes_archive (post_id, user_id) WHERE to_epoch IS NULL;
CREATE INDEX likes_archive_closed ON likes_archive (post_id, user_id) WHERE to_epoch IS NOT NULL;
CREATE INDEX likes_archive_batch ON likes_archive (from_epoch);

CREATE TABLE stock_prices_history (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    original_id INTEGER NOT NULL,
    stock_id INTEGER NOT NULL,
    trade_date INTEGER NOT NULL,
    open_price TEXT,
    high_price TEXT,
    low_price TEXT,
    close_price TEXT,
    change_amount TEXT,
    volume INTEGER,
    turnover INTEGER,
    transaction_count INTEGER,
    created_at INTEGER NOT NULL,
    archived_at INTEGER NOT NULL,
    from_epoch INTEGER NOT NULL,
    to_epoch INTEGER
);
CREATE UNIQUE INDEX stock_prices_history_open ON stock_prices_history (stock_id, trade_date DESC)
    WHERE to_epoch IS NULL;
CREATE INDEX stock_prices_history_closed ON stock_prices_history (stock_id, trade_date DESC)
    WHERE to_epoch IS NOT NULL;
CREATE INDEX stock_prices_history_original ON stock_prices_history (original_id);
CREATE INDEX stock_prices_history_batch ON stock_prices_history (from_epoch);

CREATE TABLE user_behavior_analytics (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    user_id INTEGER NOT NULL,
    action_type TEXT NOT NULL,
    action_count INTEGER NOT NULL,
    analysis_date INTEGER NOT NULL,
    metadata TEXT,
    created_at INTEGER NOT NULL,
    resource TEXT NOT NULL,
    from_epoch INTEGER NOT NULL
);
CREATE INDEX user_behavior_analytics_user ON user_behavior_analytics (user_id, analysis_date DESC);
CREATE INDEX user_behavior_analytics_batch ON user_behavior_analytics (resource, from_epoch);

-- Counted blocks: n is a signed delta; a block holds sum(n) rows of its scope at epoch E over from_epoch <= E.
CREATE TABLE messages_archive_blocks (
    scope INTEGER NOT NULL,
    level INTEGER NOT NULL,
    upper_at INTEGER NOT NULL,
    upper_id INTEGER NOT NULL,
    from_epoch INTEGER NOT NULL,
    n INTEGER NOT NULL,
    PRIMARY KEY (scope, level, upper_at, upper_id, from_epoch)
) WITHOUT ROWID;
CREATE INDEX messages_archive_blocks_batch ON messages_archive_blocks (from_epoch);

CREATE TABLE posts_archive_blocks (
    scope INTEGER NOT NULL,
    level INTEGER NOT NULL,
    upper_at INTEGER NOT NULL,
    upper_id INTEGER NOT NULL,
    from_epoch INTEGER NOT NULL,
    n INTEGER NOT NULL,
    PRIMARY KEY (scope, level, upper_at, upper_id, from_epoch)
) WITHOUT ROWID;
CREATE INDEX posts_archive_blocks_batch ON posts_archive_blocks (from_epoch);

-- The claim row of each resource, and the journal of its moves.
CREATE TABLE archive_head (
    resource TEXT PRIMARY KEY NOT NULL,
    pair INTEGER,
    claimed INTEGER NOT NULL DEFAULT 0,
    floor INTEGER NOT NULL DEFAULT 0
);
INSERT INTO archive_head (resource) VALUES ('messages'), ('posts'), ('prices');

CREATE TABLE archive_batches (
    resource TEXT NOT NULL,
    epoch INTEGER NOT NULL,
    kind TEXT NOT NULL,
    token INTEGER NOT NULL,
    row_count INTEGER NOT NULL,
    first_at INTEGER,
    first_id INTEGER,
    last_at INTEGER,
    last_id INTEGER,
    digest TEXT NOT NULL,
    started INTEGER NOT NULL,
    finished INTEGER NOT NULL,
    confirmed INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (resource, epoch)
) WITHOUT ROWID;
CREATE INDEX archive_batches_confirmed ON archive_batches (resource, epoch DESC) WHERE confirmed = 1;

CREATE TABLE archive_erasures (
    resource TEXT NOT NULL,
    id INTEGER NOT NULL,
    reason TEXT NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (resource, id)
) WITHOUT ROWID;
