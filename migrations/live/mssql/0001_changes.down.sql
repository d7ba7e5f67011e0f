IF EXISTS (SELECT 1 FROM sys.indexes WHERE object_id = OBJECT_ID(N'messages') AND name LIKE N'messages[_]live%')
    DROP INDEX messages_live ON messages
GO
IF COL_LENGTH(N'messages', N'live_version') IS NOT NULL ALTER TABLE messages DROP COLUMN live_version
GO
IF OBJECT_ID(N'live_erased', N'U') IS NOT NULL DROP TABLE live_erased
GO
IF OBJECT_ID(N'live_moved', N'U') IS NOT NULL DROP TABLE live_moved
GO
IF OBJECT_ID(N'live_state', N'U') IS NOT NULL DROP TABLE live_state
GO
