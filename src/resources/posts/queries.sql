-- Statements of posts beside those of their lists. Comments and likes move with their post and weigh on its batch.

-- name: due
-- tier: hot
-- purpose: Picks the oldest posts that are due, without those that were rejected, each weighed by the rows that move with it.
-- parameters: older_than time, limit int
-- index: posts_key, backwards; comments_key and the primary key of likes for each post

-- name: due_active
-- tier: hot
-- purpose: Picks the same without posts that have a newer comment.
-- parameters: older_than time, limit int
-- index: posts_key, backwards; comments_key and the primary key of likes for each post

-- name: due_count
-- tier: hot
-- purpose: Counts the posts that are due and finds the oldest.
-- parameters: older_than time
-- index: posts_key, backwards

-- name: due_count_active
-- tier: hot
-- purpose: Counts the posts that are due by their newest comment, and finds the one that has been quiet for longest.
-- parameters: older_than time
-- index: posts_key, backwards; comments_key for each post

-- name: block_keys
-- tier: cold
-- purpose: Reads the open keys of all posts between two bounds, the lower one exclusive, oldest first.
-- parameters: scope int, lower_at time, lower_id int, upper_at time, upper_id int
-- index: posts_archive_open
SELECT created_at, original_id FROM posts_archive
WHERE $1 IS NOT NULL AND (created_at, original_id) > ($2, $3) AND (created_at, original_id) <= ($4, $5)
    AND to_epoch IS NULL
ORDER BY created_at, original_id

-- name: block_keys_by_author
-- tier: cold
-- purpose: Reads the open keys of an author's posts between two bounds, the lower one exclusive, oldest first.
-- parameters: author int, lower_at time, lower_id int, upper_at time, upper_id int
-- index: posts_archive_author_open
SELECT created_at, original_id FROM posts_archive
WHERE author_id = $1 AND (created_at, original_id) > ($2, $3) AND (created_at, original_id) <= ($4, $5)
    AND to_epoch IS NULL
ORDER BY created_at, original_id
