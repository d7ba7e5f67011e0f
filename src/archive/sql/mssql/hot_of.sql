-- archive.hot_of
-- @P1 ids, as a JSON list: the rows that belong to them; seeks in the primary key, or in comments_key.
SELECT {columns} FROM {table} WHERE {owner} IN (SELECT v FROM OPENJSON(@P1) WITH (v BIGINT '$'))
