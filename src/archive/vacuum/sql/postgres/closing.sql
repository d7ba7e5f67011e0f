-- vacuum.closing
-- $1 floor: the moves that closed versions nobody may see any more.
SELECT DISTINCT to_epoch AS epoch FROM {table} WHERE to_epoch <= $1
