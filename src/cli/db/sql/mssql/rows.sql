-- downgrade.rows
-- {what} is * or a column: rows that have a value there.
SELECT COUNT_BIG({what}) AS n FROM {table}
