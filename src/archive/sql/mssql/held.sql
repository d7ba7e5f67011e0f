-- archive.held
-- @P1 and @P2: the two parts of a row's key in hot (the same twice when it has one); a seek in the primary key.
SELECT COUNT_BIG(*) AS n FROM {table} WHERE {first} = @P1 AND {second} = @P2
