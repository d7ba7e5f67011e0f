-- archive.replace
-- @P1… the values of a row, its id first; a seek in the primary key.
UPDATE {table} SET {values} WHERE id = @P1
