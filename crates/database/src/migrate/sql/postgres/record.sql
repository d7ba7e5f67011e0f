-- migrate.record
-- $1 the version, $2 the name, $3 the checksum in hexadecimal, $4 whether it is whole, $5 nanoseconds
INSERT INTO _sqlx_migrations (version, description, checksum, success, execution_time)
VALUES ($1, $2, decode($3, 'hex'), $4, $5)
