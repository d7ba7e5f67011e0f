-- archive.replace
-- ?1… the values of a row, its id first
UPDATE {table} SET {values} WHERE id = ?1
