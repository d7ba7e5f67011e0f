-- archive.archived
-- $1 $2 place, $3 first move, $4 how many, $5… what is chosen: open rows below a place that came with the first move or
-- later, what came last first. Every place is passed once, however many batches go back.
-- A stretch of the index by batch, whatever the size of the table; within a batch they are sorted.
SELECT from_epoch AS epoch, id AS place, original_id AS id FROM {table}
WHERE (from_epoch, id) < ($1, $2) AND from_epoch >= $3 AND to_epoch IS NULL AND {chosen} ORDER BY epoch DESC, place DESC LIMIT $4
