-- posts.block_keys
-- $1 unused, $2 $3 older bound (exclusive), $4 $5 newer bound (inclusive): open keys, oldest first.
SELECT created_at, original_id FROM posts_archive
WHERE $1 IS NOT NULL AND (created_at, original_id) > ($2, $3) AND (created_at, original_id) <= ($4, $5)
    AND to_epoch IS NULL
ORDER BY created_at, original_id
