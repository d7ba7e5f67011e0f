-- The platform's own tables. On an empty database they are made; on a live one they are adopted: what is missing is added,
-- DATETIME becomes DATETIME2(6) (1/300 s cannot order messages), VARCHAR becomes NVARCHAR, volumes 64-bit, and what
-- orders or is shown becomes NOT NULL. Rows, ids (INT ones stay INT), foreign keys, defaults and indexes are kept;
-- what the change of a column needs out of its way is dropped and made again as it was. Everything is one transaction.
-- What a code page has already turned into question marks cannot be healed.
-- Each part asks first whether there is anything to do, and GO parts the batches.

IF OBJECT_ID(N'users') IS NULL
CREATE TABLE users (
    id BIGINT IDENTITY(1, 1) NOT NULL CONSTRAINT users_pk PRIMARY KEY,
    username NVARCHAR(200) NOT NULL,
    email NVARCHAR(320) NULL
);

IF OBJECT_ID(N'conversations') IS NULL
CREATE TABLE conversations (
    id BIGINT IDENTITY(1, 1) NOT NULL CONSTRAINT conversations_pk PRIMARY KEY,
    user1_id BIGINT NOT NULL,
    user2_id BIGINT NULL,
    created_at DATETIME2(6) NOT NULL CONSTRAINT conversations_created_at DEFAULT SYSUTCDATETIME(),
    updated_at DATETIME2(6) NOT NULL CONSTRAINT conversations_updated_at DEFAULT SYSUTCDATETIME()
);

IF OBJECT_ID(N'messages') IS NULL
CREATE TABLE messages (
    id BIGINT IDENTITY(1, 1) NOT NULL CONSTRAINT messages_pk PRIMARY KEY,
    conversation_id BIGINT NOT NULL,
    sender_id BIGINT NOT NULL,
    content NVARCHAR(MAX) NOT NULL,
    created_at DATETIME2(6) NOT NULL CONSTRAINT messages_created_at DEFAULT SYSUTCDATETIME(),
    is_read BIT NOT NULL CONSTRAINT messages_is_read DEFAULT 0
);

IF OBJECT_ID(N'posts') IS NULL
CREATE TABLE posts (
    id BIGINT IDENTITY(1, 1) NOT NULL CONSTRAINT posts_pk PRIMARY KEY,
    author_id BIGINT NOT NULL,
    title NVARCHAR(200) NOT NULL,
    body NVARCHAR(MAX) NOT NULL,
    created_at DATETIME2(6) NOT NULL CONSTRAINT posts_created_at DEFAULT SYSUTCDATETIME()
);

IF OBJECT_ID(N'comments') IS NULL
CREATE TABLE comments (
    id BIGINT IDENTITY(1, 1) NOT NULL CONSTRAINT comments_pk PRIMARY KEY,
    post_id BIGINT NOT NULL,
    author_id BIGINT NOT NULL,
    body NVARCHAR(MAX) NOT NULL,
    created_at DATETIME2(6) NOT NULL CONSTRAINT comments_created_at DEFAULT SYSUTCDATETIME()
);

IF OBJECT_ID(N'likes') IS NULL
CREATE TABLE likes (
    user_id BIGINT NOT NULL,
    post_id BIGINT NOT NULL,
    CONSTRAINT likes_pk PRIMARY KEY (post_id, user_id)
);

IF OBJECT_ID(N'stocks') IS NULL
CREATE TABLE stocks (
    id BIGINT IDENTITY(1, 1) NOT NULL CONSTRAINT stocks_pk PRIMARY KEY,
    symbol NVARCHAR(20) COLLATE Latin1_General_BIN2 NOT NULL CONSTRAINT stocks_symbol UNIQUE,
    name NVARCHAR(200) NULL,
    exchange NVARCHAR(50) NULL,
    market_type NVARCHAR(50) NULL,
    created_at DATETIME2(6) NOT NULL CONSTRAINT stocks_created_at DEFAULT SYSUTCDATETIME(),
    updated_at DATETIME2(6) NOT NULL CONSTRAINT stocks_updated_at DEFAULT SYSUTCDATETIME()
);

IF OBJECT_ID(N'stock_prices') IS NULL
CREATE TABLE stock_prices (
    id BIGINT IDENTITY(1, 1) NOT NULL CONSTRAINT stock_prices_pk PRIMARY KEY,
    stock_id BIGINT NOT NULL,
    trade_date DATE NOT NULL,
    open_price DECIMAL(10, 2) NULL,
    high_price DECIMAL(10, 2) NULL,
    low_price DECIMAL(10, 2) NULL,
    close_price DECIMAL(10, 2) NULL,
    change_amount DECIMAL(10, 2) NULL,
    volume BIGINT NULL,
    turnover BIGINT NULL,
    transaction_count BIGINT NULL,
    created_at DATETIME2(6) NOT NULL CONSTRAINT stock_prices_created_at DEFAULT SYSUTCDATETIME(),
    CONSTRAINT stock_prices_day UNIQUE (stock_id, trade_date)
);
GO
-- Columns a live platform may not have yet.

IF NOT EXISTS (SELECT 1 FROM sys.columns WHERE object_id = OBJECT_ID(N'users') AND name = N'email')
    ALTER TABLE users ADD email NVARCHAR(320) NULL;

IF NOT EXISTS (SELECT 1 FROM sys.columns WHERE object_id = OBJECT_ID(N'conversations') AND name = N'created_at')
    ALTER TABLE conversations ADD created_at DATETIME2(6) NOT NULL CONSTRAINT conversations_created_at DEFAULT SYSUTCDATETIME();

IF NOT EXISTS (SELECT 1 FROM sys.columns WHERE object_id = OBJECT_ID(N'conversations') AND name = N'updated_at')
    ALTER TABLE conversations ADD updated_at DATETIME2(6) NOT NULL CONSTRAINT conversations_updated_at DEFAULT SYSUTCDATETIME();

IF NOT EXISTS (SELECT 1 FROM sys.columns WHERE object_id = OBJECT_ID(N'messages') AND name = N'created_at')
    ALTER TABLE messages ADD created_at DATETIME2(6) NOT NULL CONSTRAINT messages_created_at DEFAULT SYSUTCDATETIME();

IF NOT EXISTS (SELECT 1 FROM sys.columns WHERE object_id = OBJECT_ID(N'messages') AND name = N'is_read')
    ALTER TABLE messages ADD is_read BIT NOT NULL CONSTRAINT messages_is_read DEFAULT 0;

IF NOT EXISTS (SELECT 1 FROM sys.columns WHERE object_id = OBJECT_ID(N'posts') AND name = N'created_at')
    ALTER TABLE posts ADD created_at DATETIME2(6) NOT NULL CONSTRAINT posts_created_at DEFAULT SYSUTCDATETIME();

IF NOT EXISTS (SELECT 1 FROM sys.columns WHERE object_id = OBJECT_ID(N'comments') AND name = N'created_at')
    ALTER TABLE comments ADD created_at DATETIME2(6) NOT NULL CONSTRAINT comments_created_at DEFAULT SYSUTCDATETIME();

IF NOT EXISTS (SELECT 1 FROM sys.columns WHERE object_id = OBJECT_ID(N'stocks') AND name = N'name')
    ALTER TABLE stocks ADD name NVARCHAR(200) NULL;

IF NOT EXISTS (SELECT 1 FROM sys.columns WHERE object_id = OBJECT_ID(N'stocks') AND name = N'exchange')
    ALTER TABLE stocks ADD exchange NVARCHAR(50) NULL;

IF NOT EXISTS (SELECT 1 FROM sys.columns WHERE object_id = OBJECT_ID(N'stocks') AND name = N'market_type')
    ALTER TABLE stocks ADD market_type NVARCHAR(50) NULL;

IF NOT EXISTS (SELECT 1 FROM sys.columns WHERE object_id = OBJECT_ID(N'stocks') AND name = N'created_at')
    ALTER TABLE stocks ADD created_at DATETIME2(6) NOT NULL CONSTRAINT stocks_created_at DEFAULT SYSUTCDATETIME();

IF NOT EXISTS (SELECT 1 FROM sys.columns WHERE object_id = OBJECT_ID(N'stocks') AND name = N'updated_at')
    ALTER TABLE stocks ADD updated_at DATETIME2(6) NOT NULL CONSTRAINT stocks_updated_at DEFAULT SYSUTCDATETIME();

IF NOT EXISTS (SELECT 1 FROM sys.columns WHERE object_id = OBJECT_ID(N'stock_prices') AND name = N'open_price')
    ALTER TABLE stock_prices ADD open_price DECIMAL(10, 2) NULL;

IF NOT EXISTS (SELECT 1 FROM sys.columns WHERE object_id = OBJECT_ID(N'stock_prices') AND name = N'high_price')
    ALTER TABLE stock_prices ADD high_price DECIMAL(10, 2) NULL;

IF NOT EXISTS (SELECT 1 FROM sys.columns WHERE object_id = OBJECT_ID(N'stock_prices') AND name = N'low_price')
    ALTER TABLE stock_prices ADD low_price DECIMAL(10, 2) NULL;

IF NOT EXISTS (SELECT 1 FROM sys.columns WHERE object_id = OBJECT_ID(N'stock_prices') AND name = N'close_price')
    ALTER TABLE stock_prices ADD close_price DECIMAL(10, 2) NULL;

IF NOT EXISTS (SELECT 1 FROM sys.columns WHERE object_id = OBJECT_ID(N'stock_prices') AND name = N'change_amount')
    ALTER TABLE stock_prices ADD change_amount DECIMAL(10, 2) NULL;

IF NOT EXISTS (SELECT 1 FROM sys.columns WHERE object_id = OBJECT_ID(N'stock_prices') AND name = N'volume')
    ALTER TABLE stock_prices ADD volume BIGINT NULL;

IF NOT EXISTS (SELECT 1 FROM sys.columns WHERE object_id = OBJECT_ID(N'stock_prices') AND name = N'turnover')
    ALTER TABLE stock_prices ADD turnover BIGINT NULL;

IF NOT EXISTS (SELECT 1 FROM sys.columns WHERE object_id = OBJECT_ID(N'stock_prices') AND name = N'transaction_count')
    ALTER TABLE stock_prices ADD transaction_count BIGINT NULL;

IF NOT EXISTS (SELECT 1 FROM sys.columns WHERE object_id = OBJECT_ID(N'stock_prices') AND name = N'created_at')
    ALTER TABLE stock_prices ADD created_at DATETIME2(6) NOT NULL CONSTRAINT stock_prices_created_at DEFAULT SYSUTCDATETIME();
GO
-- A message is unread until it was read.
UPDATE messages SET is_read = 0 WHERE is_read IS NULL;
GO
-- Columns of other types than these: T instants, X texts, L long integers, B bits; 1 where there must be a value.
DECLARE @wanted TABLE (tbl NVARCHAR(128) NOT NULL, col NVARCHAR(128) NOT NULL, kind NVARCHAR(1) NOT NULL, required BIT NOT NULL);
INSERT INTO @wanted (tbl, col, kind, required) VALUES
    (N'users', N'username', N'X', 1),
    (N'users', N'email', N'X', 0),
    (N'conversations', N'created_at', N'T', 1),
    (N'conversations', N'updated_at', N'T', 1),
    (N'messages', N'content', N'X', 1),
    (N'messages', N'created_at', N'T', 1),
    (N'messages', N'is_read', N'B', 1),
    (N'posts', N'title', N'X', 1),
    (N'posts', N'body', N'X', 1),
    (N'posts', N'created_at', N'T', 1),
    (N'comments', N'body', N'X', 1),
    (N'comments', N'created_at', N'T', 1),
    (N'stocks', N'symbol', N'X', 1),
    (N'stocks', N'name', N'X', 0),
    (N'stocks', N'exchange', N'X', 0),
    (N'stocks', N'market_type', N'X', 0),
    (N'stocks', N'created_at', N'T', 1),
    (N'stocks', N'updated_at', N'T', 1),
    (N'stock_prices', N'volume', N'L', 0),
    (N'stock_prices', N'turnover', N'L', 0),
    (N'stock_prices', N'created_at', N'T', 1);

-- Babelfish keeps NOT NULL, and indexes and defaults, while the type of a column changes; it takes neither NOT NULL nor
-- COLLATE in ALTER COLUMN.
DECLARE @plain BIT = CASE WHEN SERVERPROPERTY('Babelfish') IS NULL THEN 0 ELSE 1 END;

DECLARE @change TABLE (tbl NVARCHAR(128) NOT NULL, col NVARCHAR(128) NOT NULL, typ NVARCHAR(400) NOT NULL, fill BIT NOT NULL);
INSERT INTO @change (tbl, col, typ, fill)
SELECT w.tbl, w.col,
    CASE
        WHEN w.kind = N'T' THEN N'DATETIME2(6)'
        WHEN w.kind = N'L' THEN N'BIGINT'
        WHEN w.kind = N'B' THEN N'BIT'
        WHEN TYPE_NAME(c.user_type_id) IN (N'varchar', N'char') AND c.max_length BETWEEN 1 AND 4000
            THEN N'NVARCHAR(' + CAST(c.max_length AS NVARCHAR(10)) + N')'
        WHEN TYPE_NAME(c.user_type_id) IN (N'nvarchar', N'nchar') AND c.max_length > 0
            THEN N'NVARCHAR(' + CAST(c.max_length / 2 AS NVARCHAR(10)) + N')'
        ELSE N'NVARCHAR(MAX)'
    END
    + CASE WHEN @plain = 1 THEN N''
        ELSE CASE WHEN w.kind = N'X' THEN COALESCE(N' COLLATE ' + c.collation_name, N'') ELSE N'' END
            + CASE WHEN w.required = 1 OR c.is_nullable = 0 THEN N' NOT NULL' ELSE N' NULL' END
    END,
    CASE WHEN w.required = 1 AND c.is_nullable = 1 THEN 1 ELSE 0 END
FROM @wanted w JOIN sys.columns c ON c.object_id = OBJECT_ID(w.tbl) AND c.name = w.col
WHERE (w.kind = N'T' AND (TYPE_NAME(c.user_type_id) <> N'datetime2' OR c.scale <> 6))
    OR (w.kind = N'X' AND TYPE_NAME(c.user_type_id) <> N'nvarchar')
    OR (w.kind = N'L' AND TYPE_NAME(c.user_type_id) <> N'bigint')
    OR (w.required = 1 AND c.is_nullable = 1 AND @plain = 0);

DECLARE @odd NVARCHAR(300) = (
    SELECT MIN(w.tbl + N'.' + w.col + N' is ' + TYPE_NAME(c.user_type_id))
    FROM @wanted w JOIN sys.columns c ON c.object_id = OBJECT_ID(w.tbl) AND c.name = w.col
    WHERE (w.kind = N'T' AND TYPE_NAME(c.user_type_id) NOT IN (N'datetime', N'datetime2', N'smalldatetime', N'date'))
        OR (w.kind = N'X' AND TYPE_NAME(c.user_type_id) NOT IN (N'nvarchar', N'varchar', N'nchar', N'char', N'text', N'ntext'))
        OR (w.kind = N'L' AND TYPE_NAME(c.user_type_id) NOT IN (N'bigint', N'int', N'smallint', N'tinyint')));
IF @odd IS NOT NULL
BEGIN
    SET @odd = @odd + N', which is not known how to widen';
    THROW 50001, @odd, 1;
END;

-- Nobody can say when a row without an instant was written: whoever knows must fill it in.
DECLARE @tbl NVARCHAR(128), @col NVARCHAR(128), @typ NVARCHAR(400), @fill BIT, @n BIGINT, @text NVARCHAR(MAX);
DECLARE nulls CURSOR FOR SELECT tbl, col FROM @change WHERE fill = 1;
OPEN nulls;
FETCH NEXT FROM nulls INTO @tbl, @col;
WHILE @@FETCH_STATUS = 0
BEGIN
    SET @text = N'SELECT @n = COUNT_BIG(*) FROM ' + QUOTENAME(@tbl) + N' WHERE ' + QUOTENAME(@col) + N' IS NULL';
    EXEC sp_executesql @text, N'@n BIGINT OUTPUT', @n OUTPUT;
    IF @n > 0
    BEGIN
        SET @odd = @tbl + N'.' + @col + N' is NULL in ' + CAST(@n AS NVARCHAR(20)) + N' rows: give them a value and run this again';
        THROW 50001, @odd, 1;
    END;
    FETCH NEXT FROM nulls INTO @tbl, @col;
END;
CLOSE nulls;
DEALLOCATE nulls;

-- What stands in the way of the change, and how it is made again.
DECLARE @way TABLE (n INT IDENTITY(1, 1) NOT NULL, dropping NVARCHAR(MAX) NOT NULL, making NVARCHAR(MAX) NOT NULL);
IF @plain = 0
BEGIN
    INSERT INTO @way (dropping, making)
    SELECT
        CASE WHEN i.is_unique_constraint = 1
            THEN N'ALTER TABLE ' + QUOTENAME(OBJECT_NAME(i.object_id)) + N' DROP CONSTRAINT ' + QUOTENAME(i.name) + N';'
            ELSE N'DROP INDEX ' + QUOTENAME(i.name) + N' ON ' + QUOTENAME(OBJECT_NAME(i.object_id)) + N';' END,
        CASE WHEN i.is_unique_constraint = 1
            THEN N'ALTER TABLE ' + QUOTENAME(OBJECT_NAME(i.object_id)) + N' ADD CONSTRAINT ' + QUOTENAME(i.name) + N' UNIQUE '
                + CASE WHEN i.type = 1 THEN N'CLUSTERED' ELSE N'NONCLUSTERED' END
            ELSE N'CREATE ' + CASE WHEN i.is_unique = 1 THEN N'UNIQUE ' ELSE N'' END
                + CASE WHEN i.type = 1 THEN N'CLUSTERED' ELSE N'NONCLUSTERED' END
                + N' INDEX ' + QUOTENAME(i.name) + N' ON ' + QUOTENAME(OBJECT_NAME(i.object_id)) END
        + N' (' + (
            SELECT STRING_AGG(CAST(QUOTENAME(c.name) + CASE WHEN ic.is_descending_key = 1 THEN N' DESC' ELSE N'' END AS NVARCHAR(MAX)), N', ')
                WITHIN GROUP (ORDER BY ic.key_ordinal)
            FROM sys.index_columns ic JOIN sys.columns c ON c.object_id = ic.object_id AND c.column_id = ic.column_id
            WHERE ic.object_id = i.object_id AND ic.index_id = i.index_id AND ic.is_included_column = 0
        ) + N')'
        + COALESCE(N' INCLUDE (' + (
            SELECT STRING_AGG(CAST(QUOTENAME(c.name) AS NVARCHAR(MAX)), N', ') WITHIN GROUP (ORDER BY ic.index_column_id)
            FROM sys.index_columns ic JOIN sys.columns c ON c.object_id = ic.object_id AND c.column_id = ic.column_id
            WHERE ic.object_id = i.object_id AND ic.index_id = i.index_id AND ic.is_included_column = 1
        ) + N')', N'')
        + COALESCE(N' WHERE ' + i.filter_definition, N'') + N';'
    FROM sys.indexes i
    WHERE i.is_primary_key = 0 AND i.type IN (1, 2) AND EXISTS (
        SELECT 1 FROM sys.index_columns ic
        JOIN sys.columns c ON c.object_id = ic.object_id AND c.column_id = ic.column_id
        JOIN @change ch ON OBJECT_ID(ch.tbl) = ic.object_id AND ch.col = c.name
        WHERE ic.object_id = i.object_id AND ic.index_id = i.index_id);

    -- Their names may be generated ones; they are kept.
    INSERT INTO @way (dropping, making)
    SELECT N'ALTER TABLE ' + QUOTENAME(ch.tbl) + N' DROP CONSTRAINT ' + QUOTENAME(d.name) + N';',
        N'ALTER TABLE ' + QUOTENAME(ch.tbl) + N' ADD CONSTRAINT ' + QUOTENAME(d.name) + N' DEFAULT ' + d.definition
            + N' FOR ' + QUOTENAME(ch.col) + N';'
    FROM sys.default_constraints d
    JOIN sys.columns c ON c.object_id = d.parent_object_id AND c.column_id = d.parent_column_id
    JOIN @change ch ON OBJECT_ID(ch.tbl) = d.parent_object_id AND ch.col = c.name;

    INSERT INTO @way (dropping, making)
    SELECT DISTINCT N'ALTER TABLE ' + QUOTENAME(ch.tbl) + N' DROP CONSTRAINT ' + QUOTENAME(k.name) + N';',
        N'ALTER TABLE ' + QUOTENAME(ch.tbl) + N' WITH CHECK ADD CONSTRAINT ' + QUOTENAME(k.name) + N' CHECK ' + k.definition + N';'
    FROM sys.check_constraints k
    JOIN @change ch ON OBJECT_ID(ch.tbl) = k.parent_object_id AND CHARINDEX(QUOTENAME(ch.col), k.definition) > 0;

    -- The server makes its own statistics again when it wants them.
    INSERT INTO @way (dropping, making)
    SELECT DISTINCT N'DROP STATISTICS ' + QUOTENAME(ch.tbl) + N'.' + QUOTENAME(s.name) + N';', N''
    FROM sys.stats s
    JOIN sys.stats_columns sc ON sc.object_id = s.object_id AND sc.stats_id = s.stats_id
    JOIN sys.columns c ON c.object_id = sc.object_id AND c.column_id = sc.column_id
    JOIN @change ch ON OBJECT_ID(ch.tbl) = s.object_id AND ch.col = c.name
    WHERE s.user_created = 1;
END;

DECLARE @step NVARCHAR(MAX);
DECLARE steps CURSOR FOR
    SELECT q.step FROM (
        SELECT 1 AS part, n, dropping AS step FROM @way
        UNION ALL
        SELECT 2, 0, N'ALTER TABLE ' + QUOTENAME(tbl) + N' ALTER COLUMN ' + QUOTENAME(col) + N' ' + typ + N';' FROM @change
        UNION ALL
        SELECT 3, n, making FROM @way WHERE making <> N''
    ) q ORDER BY q.part, q.n DESC;
OPEN steps;
FETCH NEXT FROM steps INTO @step;
WHILE @@FETCH_STATUS = 0
BEGIN
    EXEC sp_executesql @step;
    FETCH NEXT FROM steps INTO @step;
END;
CLOSE steps;
DEALLOCATE steps;
GO

-- Indexes, whose names some engines lengthen.

-- A user's conversations.
IF NOT EXISTS (SELECT 1 FROM sys.indexes WHERE object_id = OBJECT_ID(N'conversations') AND LEFT(name, 19) = N'conversations_user1')
    CREATE INDEX conversations_user1 ON conversations (user1_id, updated_at DESC, id DESC);

-- The same, for the other of the two.
IF NOT EXISTS (SELECT 1 FROM sys.indexes WHERE object_id = OBJECT_ID(N'conversations') AND LEFT(name, 19) = N'conversations_user2')
    CREATE INDEX conversations_user2 ON conversations (user2_id, updated_at DESC, id DESC);

-- A conversation's pages.
IF NOT EXISTS (SELECT 1 FROM sys.indexes WHERE object_id = OBJECT_ID(N'messages') AND LEFT(name, 12) = N'messages_key')
    CREATE INDEX messages_key ON messages (conversation_id, created_at DESC, id DESC);

-- The mover's scan for what is due.
IF NOT EXISTS (SELECT 1 FROM sys.indexes WHERE object_id = OBJECT_ID(N'messages') AND LEFT(name, 12) = N'messages_due')
    CREATE INDEX messages_due ON messages (created_at, id);

-- All posts; backwards the mover's scan.
IF NOT EXISTS (SELECT 1 FROM sys.indexes WHERE object_id = OBJECT_ID(N'posts') AND LEFT(name, 9) = N'posts_key')
    CREATE INDEX posts_key ON posts (created_at DESC, id DESC);

-- An author's posts.
IF NOT EXISTS (SELECT 1 FROM sys.indexes WHERE object_id = OBJECT_ID(N'posts') AND LEFT(name, 16) = N'posts_author_key')
    CREATE INDEX posts_author_key ON posts (author_id, created_at DESC, id DESC);

-- A post's comments, and their number.
IF NOT EXISTS (SELECT 1 FROM sys.indexes WHERE object_id = OBJECT_ID(N'comments') AND LEFT(name, 12) = N'comments_key')
    CREATE INDEX comments_key ON comments (post_id, created_at DESC, id DESC);

-- The number of a post's likes, unless their key begins with the post.
IF NOT EXISTS (
    SELECT 1 FROM sys.index_columns ic JOIN sys.columns c ON c.object_id = ic.object_id AND c.column_id = ic.column_id
    WHERE ic.object_id = OBJECT_ID(N'likes') AND ic.key_ordinal = 1 AND c.name = N'post_id')
    CREATE INDEX likes_post ON likes (post_id, user_id);

-- One price a stock and day.
IF NOT EXISTS (
    SELECT 1 FROM sys.indexes i WHERE i.object_id = OBJECT_ID(N'stock_prices') AND i.is_unique = 1
        AND 2 = (SELECT COUNT(*) FROM sys.index_columns ic
            WHERE ic.object_id = i.object_id AND ic.index_id = i.index_id AND ic.key_ordinal > 0)
        AND 2 = (SELECT COUNT(*) FROM sys.index_columns ic
            JOIN sys.columns c ON c.object_id = ic.object_id AND c.column_id = ic.column_id
            WHERE ic.object_id = i.object_id AND ic.index_id = i.index_id AND ic.key_ordinal > 0
                AND c.name IN (N'stock_id', N'trade_date')))
    CREATE UNIQUE INDEX stock_prices_day ON stock_prices (stock_id, trade_date);

-- The mover's scan.
IF NOT EXISTS (SELECT 1 FROM sys.indexes WHERE object_id = OBJECT_ID(N'stock_prices') AND LEFT(name, 16) = N'stock_prices_due')
    CREATE INDEX stock_prices_due ON stock_prices (trade_date, id);
GO
-- Foreign keys that are not there, between columns of one type.
DECLARE @tbl NVARCHAR(128), @col NVARCHAR(128), @parent NVARCHAR(128), @text NVARCHAR(MAX);
DECLARE @keys TABLE (tbl NVARCHAR(128) NOT NULL, col NVARCHAR(128) NOT NULL, parent NVARCHAR(128) NOT NULL);
INSERT INTO @keys (tbl, col, parent) VALUES
    (N'conversations', N'user1_id', N'users'),
    (N'conversations', N'user2_id', N'users'),
    (N'messages', N'conversation_id', N'conversations'),
    (N'messages', N'sender_id', N'users'),
    (N'posts', N'author_id', N'users'),
    (N'comments', N'post_id', N'posts'),
    (N'comments', N'author_id', N'users'),
    (N'likes', N'user_id', N'users'),
    (N'likes', N'post_id', N'posts'),
    (N'stock_prices', N'stock_id', N'stocks');
DECLARE missing CURSOR FOR
    SELECT k.tbl, k.col, k.parent FROM @keys k
    JOIN sys.columns c ON c.object_id = OBJECT_ID(k.tbl) AND c.name = k.col
    JOIN sys.columns p ON p.object_id = OBJECT_ID(k.parent) AND p.name = N'id' AND p.user_type_id = c.user_type_id
    WHERE NOT EXISTS (
        SELECT 1 FROM sys.foreign_key_columns f
        WHERE f.parent_object_id = c.object_id AND f.parent_column_id = c.column_id AND f.referenced_object_id = p.object_id);
OPEN missing;
FETCH NEXT FROM missing INTO @tbl, @col, @parent;
WHILE @@FETCH_STATUS = 0
BEGIN
    SET @text = N'ALTER TABLE ' + @tbl + N' ADD CONSTRAINT ' + @tbl + N'_' + @col + N' FOREIGN KEY (' + @col + N') REFERENCES ' + @parent + N' (id)';
    EXEC sp_executesql @text;
    FETCH NEXT FROM missing INTO @tbl, @col, @parent;
END;
CLOSE missing;
DEALLOCATE missing;
