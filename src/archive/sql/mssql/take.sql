-- archive.take
-- @P1 ids, as a JSON list: removes the rows that belong to them and returns exactly what it removed. Seeks in the
-- primary key, or of comments in comments_key, of likes in the key that begins with the post.
DELETE FROM {table} OUTPUT deleted.* WHERE {owner} IN (SELECT v FROM OPENJSON(@P1) WITH (v BIGINT '$'))
