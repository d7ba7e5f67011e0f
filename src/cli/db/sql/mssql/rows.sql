-- downgrade.rows
-- {what} is * or a column: rows that have a value there.
-- A scan: every row that would be dropped is counted.
SELECT COUNT_BIG({what}) AS n FROM {table}
