-- Statements of posts beside those of their lists. Comments and likes move with their post and weigh on its batch.

-- name: due
-- tier: hot
-- purpose: Picks the oldest posts that are due, without those that were rejected, each weighed by the rows that move with it.
-- parameters: older_than time, limit int
-- index: posts_key, backwards; comments_key and the primary key of likes for each post
SELECT id,
    1 + (SELECT count(*) FROM comments WHERE post_id = p.id)
        + (SELECT count(*) FROM likes WHERE post_id = p.id) AS weight,
    octet_length(title) + octet_length(body)
        + (SELECT coalesce(sum(octet_length(c.body)), 0) FROM comments c WHERE c.post_id = p.id) AS bytes
FROM posts p
WHERE created_at < $1
    AND NOT EXISTS (SELECT 1 FROM archive_rejects r WHERE r.resource = 'posts' AND r.id = p.id)
ORDER BY created_at, id LIMIT $2

-- name: due_active
-- tier: hot
-- purpose: Picks the same without posts that have a newer comment.
-- parameters: older_than time, limit int
-- index: posts_key, backwards; comments_key and the primary key of likes for each post
SELECT id,
    1 + (SELECT count(*) FROM comments WHERE post_id = p.id)
        + (SELECT count(*) FROM likes WHERE post_id = p.id) AS weight,
    octet_length(title) + octet_length(body)
        + (SELECT coalesce(sum(octet_length(c.body)), 0) FROM comments c WHERE c.post_id = p.id) AS bytes
FROM posts p
WHERE created_at < $1
    AND NOT EXISTS (SELECT 1 FROM archive_rejects r WHERE r.resource = 'posts' AND r.id = p.id)
    AND NOT EXISTS (SELECT 1 FROM comments c WHERE c.post_id = p.id AND c.created_at >= $1)
ORDER BY created_at, id LIMIT $2

-- name: due_count
-- tier: hot
-- purpose: Counts the posts that are due and finds the oldest.
-- parameters: older_than time
-- index: posts_key, backwards
SELECT count(*) AS n, min(created_at) AS oldest FROM posts p
WHERE created_at < $1
    AND NOT EXISTS (SELECT 1 FROM archive_rejects r WHERE r.resource = 'posts' AND r.id = p.id)

-- name: due_count_active
-- tier: hot
-- purpose: Counts the posts that are due by their newest comment, and finds the one that has been quiet for longest.
-- parameters: older_than time
-- index: posts_key, backwards; comments_key for each post
SELECT count(*) AS n, min(CASE WHEN newest > created_at THEN newest ELSE created_at END) AS oldest
FROM (
    SELECT p.created_at, (SELECT max(c.created_at) FROM comments c WHERE c.post_id = p.id) AS newest
    FROM posts p
    WHERE p.created_at < $1
        AND NOT EXISTS (SELECT 1 FROM archive_rejects r WHERE r.resource = 'posts' AND r.id = p.id)
) old
WHERE newest IS NULL OR newest < $1

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
