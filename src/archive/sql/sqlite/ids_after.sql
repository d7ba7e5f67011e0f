-- archive.ids_after
-- ?1 id, ?2 how many: the ids above it.
SELECT id FROM {table} WHERE id > ?1 ORDER BY id LIMIT ?2
