-- inspect.indexes
-- ?1 names, as a JSON list. An index of the table's own definition has a made-up name; of any other the text is kept.
SELECT t.name AS tbl, CASE WHEN i.origin = 'u' THEN NULL ELSE i.name END AS idx, i.seq AS place, i."unique" AS is_unique,
    0 AS is_primary, i.origin = 'u' AS is_constraint,
    CASE WHEN i.partial THEN substr(x.sql, instr(upper(x.sql), 'WHERE') + 5) END AS predicate,
    c.name AS col, c."desc" AS descends
FROM sqlite_schema t JOIN json_each(?1) w ON w.value = t.name
JOIN pragma_index_list(t.name) i
JOIN pragma_index_xinfo(i.name) c ON c.key = 1
LEFT JOIN sqlite_schema x ON x.type = 'index' AND x.name = i.name
WHERE t.type = 'table' AND i.origin <> 'pk'
ORDER BY t.name, i.seq DESC, c.seqno
