-- name: known
SELECT CASE WHEN OBJECT_ID(N'_sqlx_migrations') IS NULL THEN 0 ELSE 1 END AS n

-- name: ledger
SELECT version, description AS name, installed_on AS at, success AS whole, checksum, execution_time AS nanos
FROM _sqlx_migrations ORDER BY version

-- name: make_ledger
IF OBJECT_ID(N'_sqlx_migrations') IS NULL CREATE TABLE _sqlx_migrations (
    version BIGINT NOT NULL PRIMARY KEY,
    description NVARCHAR(400) NOT NULL,
    installed_on DATETIME2(6) NOT NULL DEFAULT SYSUTCDATETIME(),
    success BIT NOT NULL,
    checksum NVARCHAR(200) NOT NULL,
    execution_time BIGINT NOT NULL
)

-- name: record
INSERT INTO _sqlx_migrations (version, description, checksum, success, execution_time)
VALUES (@P1, @P2, @P3, @P4, @P5)
