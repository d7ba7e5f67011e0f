-- migrate.make_ledger
-- Reads no table.
IF OBJECT_ID(N'_sqlx_migrations') IS NULL CREATE TABLE _sqlx_migrations (
    version BIGINT NOT NULL PRIMARY KEY,
    description NVARCHAR(400) NOT NULL,
    installed_on DATETIME2(6) NOT NULL DEFAULT SYSUTCDATETIME(),
    success BIT NOT NULL,
    checksum NVARCHAR(200) NOT NULL,
    execution_time BIGINT NOT NULL
)
