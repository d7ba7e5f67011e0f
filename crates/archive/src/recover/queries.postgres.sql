-- name: reserve_ids
-- As after an insert of rows with ids, with the same text.
{reserve}
