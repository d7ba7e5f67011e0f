-- The platform's own tables, as an empty embedded hot tier needs them.
-- Timestamps and dates are integer microseconds since 1970 (UTC); prices are exact decimal text of scale 2.
CREATE TABLE users (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    username TEXT NOT NULL,
    email TEXT
);

CREATE TABLE conversations (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    user1_id INTEGER NOT NULL REFERENCES users (id),
    user2_id INTEGER REFERENCES users (id),
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
);
CREATE INDEX conversations_user1 ON conversations (user1_id, updated_at DESC, id DESC);
CREATE INDEX conversations_user2 ON conversations (user2_id, updated_at DESC, id DESC);

CREATE TABLE messages (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    conversation_id INTEGER NOT NULL REFERENCES conversations (id),
    sender_id INTEGER NOT NULL REFERENCES users (id),
    content TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    is_read INTEGER NOT NULL DEFAULT 0
);
-- A conversation's pages; and the mover's scan for what is due.
CREATE INDEX messages_key ON messages (conversation_id, created_at DESC, id DESC);
CREATE INDEX messages_due ON messages (created_at, id);

CREATE TABLE posts (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    author_id INTEGER NOT NULL REFERENCES users (id),
    title TEXT NOT NULL,
    body TEXT NOT NULL,
    created_at INTEGER NOT NULL
);
CREATE INDEX posts_key ON posts (created_at DESC, id DESC);
CREATE INDEX posts_author_key ON posts (author_id, created_at DESC, id DESC);

CREATE TABLE comments (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    post_id INTEGER NOT NULL REFERENCES posts (id),
    author_id INTEGER NOT NULL REFERENCES users (id),
    body TEXT NOT NULL,
    created_at INTEGER NOT NULL
);
CREATE INDEX comments_key ON comments (post_id, created_at DESC, id DESC);

CREATE TABLE likes (
    user_id INTEGER NOT NULL REFERENCES users (id),
    post_id INTEGER NOT NULL REFERENCES posts (id),
    PRIMARY KEY (post_id, user_id)
) WITHOUT ROWID;

CREATE TABLE stocks (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    symbol TEXT NOT NULL UNIQUE,
    name TEXT,
    exchange TEXT,
    market_type TEXT,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
);

CREATE TABLE stock_prices (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    stock_id INTEGER NOT NULL REFERENCES stocks (id),
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
    UNIQUE (stock_id, trade_date)
);
CREATE INDEX stock_prices_due ON stock_prices (trade_date, id);
