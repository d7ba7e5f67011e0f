-- The change feed of messages. A message gets a version when it is inserted or changed: the server's own rowversion. A
-- trigger would make every OUTPUT clause without INTO fail, those of other programs too.

-- Babelfish creates such columns only when told to.
IF CAST(SERVERPROPERTY(N'Babelfish') AS INT) = 1
    EXEC sp_babelfish_configure N'babelfishpg_tsql.escape_hatch_rowversion', N'ignore'
GO
-- Waits for a mover that began before; one that begins later finds the feed.
UPDATE archive_state SET updated_at = updated_at WHERE resource = N'messages'
GO
IF OBJECT_ID(N'live_erased', N'U') IS NOT NULL DROP TABLE live_erased
GO
IF OBJECT_ID(N'live_moved', N'U') IS NOT NULL DROP TABLE live_moved
GO
IF OBJECT_ID(N'live_state', N'U') IS NOT NULL DROP TABLE live_state
GO
IF COL_LENGTH(N'messages', N'live_version') IS NULL ALTER TABLE messages ADD live_version ROWVERSION NOT NULL
GO
IF NOT EXISTS (SELECT 1 FROM sys.indexes WHERE object_id = OBJECT_ID(N'messages') AND name LIKE N'messages[_]live%')
    CREATE INDEX messages_live ON messages (live_version) INCLUDE (conversation_id)
GO
CREATE TABLE live_state (
    one INT NOT NULL PRIMARY KEY,
    incarnation BIGINT NOT NULL,
    floor BIGINT NOT NULL
)
GO
CREATE TABLE live_moved (
    version BIGINT NOT NULL,
    id BIGINT NOT NULL,
    scope BIGINT NOT NULL,
    PRIMARY KEY (version, id)
)
GO
CREATE TABLE live_erased (
    version ROWVERSION NOT NULL,
    id BIGINT NOT NULL,
    scope BIGINT NOT NULL
)
GO
CREATE INDEX live_erased_version ON live_erased (version, id)
GO
-- No token is older than this transaction, so rows that have not changed since may move unnoticed.
INSERT INTO live_state (one, incarnation, floor)
SELECT 1, 0, COALESCE(CAST(MAX(live_version) AS BIGINT), 0) + 1 FROM messages
GO
