-- archive.spanned
-- $1 resource, $2 $3 from and up to: the first and the last move that brought a row from between them, or can have.
SELECT min(epoch) AS first, max(epoch) AS last FROM archive_batches
WHERE resource = $1 AND last_at >= $2 AND first_at < $3
