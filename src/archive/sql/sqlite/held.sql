-- archive.held
-- ?1 and ?2: the two parts of a row's key in hot (the same twice when it has one).
SELECT count(*) AS n FROM {table} WHERE {first} = ?1 AND {second} = ?2
