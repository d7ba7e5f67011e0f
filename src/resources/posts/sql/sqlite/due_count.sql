-- posts.due_count
-- ?1 older than: how many are due, and when the oldest of them was made.
SELECT count(*) AS n, min(created_at) AS oldest FROM posts p
WHERE created_at < ?1
    AND NOT EXISTS (SELECT 1 FROM archive_rejects r WHERE r.resource = 'posts' AND r.id = p.id)
