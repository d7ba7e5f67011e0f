-- posts.due_count_active
-- ?1 older than: how many are due, and since when nobody has said anything of the one that is due longest.
SELECT count(*) AS n, min(CASE WHEN newest > created_at THEN newest ELSE created_at END) AS oldest
FROM (
    SELECT p.created_at, (SELECT max(c.created_at) FROM comments c WHERE c.post_id = p.id) AS newest
    FROM posts p
    WHERE p.created_at < ?1
        AND NOT EXISTS (SELECT 1 FROM archive_rejects r WHERE r.resource = 'posts' AND r.id = p.id)
) old
WHERE newest IS NULL OR newest < ?1
