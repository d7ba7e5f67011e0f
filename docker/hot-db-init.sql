-- Run at each start by the service hot-db-init, because the server's image creates no database. Changes nothing that exists.
-- The variables in $( ) come from the environment.
:on error exit
IF DB_ID(N'$(HOT_DATABASE)') IS NULL CREATE DATABASE [$(HOT_DATABASE)];
GO
-- Readers see one instant beside an open move, and other users of the database do not wait for writers.
IF EXISTS (SELECT 1 FROM sys.databases WHERE name = N'$(HOT_DATABASE)' AND snapshot_isolation_state <> 1)
    ALTER DATABASE [$(HOT_DATABASE)] SET ALLOW_SNAPSHOT_ISOLATION ON;
IF EXISTS (SELECT 1 FROM sys.databases WHERE name = N'$(HOT_DATABASE)' AND is_read_committed_snapshot_on = 0)
    ALTER DATABASE [$(HOT_DATABASE)] SET READ_COMMITTED_SNAPSHOT ON WITH ROLLBACK IMMEDIATE;
GO
-- The API does not use sa.
IF SUSER_ID(N'$(APP_USER)') IS NULL CREATE LOGIN [$(APP_USER)] WITH PASSWORD = N'$(APP_PASSWORD)', CHECK_POLICY = ON;
GO
USE [$(HOT_DATABASE)];
GO
IF USER_ID(N'$(APP_USER)') IS NULL CREATE USER [$(APP_USER)] FOR LOGIN [$(APP_USER)];
ALTER ROLE db_owner ADD MEMBER [$(APP_USER)];
GO
