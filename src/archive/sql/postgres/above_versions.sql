-- archive.above_versions
-- $1 epoch: versions that begin or end above it, in the order in which they came.
SELECT {columns}, from_epoch, to_epoch FROM {table} WHERE from_epoch > $1 OR to_epoch > $1 ORDER BY {table}.id
