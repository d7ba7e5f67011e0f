-- load.hot_by_id
-- @P1 values of the column that tells rows, as a JSON list; seeks in the primary key.
SELECT {columns} FROM {table} WHERE {by} IN (SELECT v FROM OPENJSON(@P1) WITH (v BIGINT '$'))
