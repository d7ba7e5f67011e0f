-- archive.ids_above
-- ?1 id: none up to it is given out any more.
UPDATE sqlite_sequence SET seq = ?1 WHERE name = '{table}' AND seq < ?1
