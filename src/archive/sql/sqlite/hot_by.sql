-- archive.hot_by
-- ?1 user, ?2 how many: what he wrote. A scan: nobody else asks for it.
SELECT DISTINCT {along} AS id FROM {table} WHERE {author} = ?1 LIMIT ?2
