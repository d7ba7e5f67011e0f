-- One sample of every statement that migrations and the program put together as text and execute on SQL Server.
-- `scripts/check-tsql` compiles them; the test beside this file checks that no piece of such a text is missing here.

-- Adoption: rows without a value in a column that needs one.
DECLARE @n BIGINT; SELECT @n = COUNT_BIG(*) FROM [messages] WHERE [created_at] IS NULL;

-- Adoption: constraints, indexes and statistics that depend on a column are dropped.
ALTER TABLE [stocks] DROP CONSTRAINT [stocks_symbol];
DROP INDEX [messages_key] ON [messages];
DROP STATISTICS [messages].[messages_of_the_platform];

-- Adoption: columns change their type.
ALTER TABLE [messages] ALTER COLUMN [created_at] DATETIME2(6) NOT NULL;
ALTER TABLE [messages] ALTER COLUMN [is_read] BIT NOT NULL;
ALTER TABLE [messages] ALTER COLUMN [content] NVARCHAR(MAX) COLLATE Latin1_General_CI_AS NOT NULL;
ALTER TABLE [stocks] ALTER COLUMN [name] NVARCHAR(200) COLLATE Latin1_General_CI_AS NULL;
ALTER TABLE [stock_prices] ALTER COLUMN [volume] BIGINT NULL;

-- Adoption: what was dropped is created again.
ALTER TABLE [stocks] ADD CONSTRAINT [stocks_symbol] UNIQUE NONCLUSTERED ([symbol]);
ALTER TABLE [users] ADD CONSTRAINT [users_name] UNIQUE CLUSTERED ([username] DESC, [id]);
CREATE NONCLUSTERED INDEX [messages_key] ON [messages] ([conversation_id], [created_at] DESC) INCLUDE ([content], [is_read]) WHERE ([created_at] IS NOT NULL);
CREATE UNIQUE CLUSTERED INDEX [likes_post] ON [likes] ([post_id], [user_id]);
ALTER TABLE [messages] ADD CONSTRAINT [messages_created_at] DEFAULT (sysutcdatetime()) FOR [created_at];
ALTER TABLE [stock_prices] WITH CHECK ADD CONSTRAINT [stock_prices_volume] CHECK ([volume]>=(0));
ALTER TABLE messages ADD CONSTRAINT messages_sender_id FOREIGN KEY (sender_id) REFERENCES users (id);

-- Recovery: the next id of a table.
DBCC CHECKIDENT ('messages', RESEED, 9223372036854775807);
