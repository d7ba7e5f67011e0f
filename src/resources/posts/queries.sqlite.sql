-- name: due
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
SELECT count(*) AS n, min(created_at) AS oldest FROM posts p
WHERE created_at < $1
    AND NOT EXISTS (SELECT 1 FROM archive_rejects r WHERE r.resource = 'posts' AND r.id = p.id)

-- name: due_count_active
SELECT count(*) AS n, min(CASE WHEN newest > created_at THEN newest ELSE created_at END) AS oldest
FROM (
    SELECT p.created_at, (SELECT max(c.created_at) FROM comments c WHERE c.post_id = p.id) AS newest
    FROM posts p
    WHERE p.created_at < $1
        AND NOT EXISTS (SELECT 1 FROM archive_rejects r WHERE r.resource = 'posts' AND r.id = p.id)
) old
WHERE newest IS NULL OR newest < $1
