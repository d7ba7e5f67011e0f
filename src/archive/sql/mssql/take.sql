-- archive.take
-- @P1 ids, as a JSON list: removes the rows that belong to them and returns exactly what it removed. Seeks in the
-- primary key, or in comments_key.
DELETE FROM {table} OUTPUT deleted.* WHERE {owner} IN (SELECT v FROM OPENJSON(@P1) WITH (v BIGINT '$'))
