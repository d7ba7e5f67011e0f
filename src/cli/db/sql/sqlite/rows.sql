-- downgrade.rows
-- {what} is * or a column: rows that have a value there.
SELECT count({what}) AS n FROM {table}
