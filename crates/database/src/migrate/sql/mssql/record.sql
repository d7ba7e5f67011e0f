-- migrate.record
-- @P1 the version, @P2 the name, @P3 the checksum in hexadecimal, @P4 whether it is whole, @P5 nanoseconds
-- One row by the primary key.
INSERT INTO _sqlx_migrations (version, description, checksum, success, execution_time)
VALUES (@P1, @P2, @P3, @P4, @P5)
