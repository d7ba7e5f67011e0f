-- archive.hot_by
-- @P1 user, @P2 how many: what he wrote. A scan: nobody else asks for it.
SELECT DISTINCT TOP (@P2) {along} AS id FROM {table} WHERE {author} = @P1
