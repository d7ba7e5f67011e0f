-- posts.block_keys_by_author
-- $1 author, $2 $3 older bound (exclusive), $4 $5 newer bound (inclusive): open keys, oldest first.
SELECT created_at, original_id FROM posts_archive
WHERE author_id = $1 AND (created_at, original_id) > ($2, $3) AND (created_at, original_id) <= ($4, $5)
    AND to_epoch IS NULL
ORDER BY created_at, original_id
