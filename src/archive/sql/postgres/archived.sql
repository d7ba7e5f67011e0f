-- archive.archived
-- $1 place, $2 how many, $3… what is chosen: open rows below a place in the table, what came last first. Every place is
-- passed once, however many batches go back.
SELECT id AS place, original_id AS id FROM {table}
WHERE id < $1 AND to_epoch IS NULL AND {chosen} ORDER BY place DESC LIMIT $2
