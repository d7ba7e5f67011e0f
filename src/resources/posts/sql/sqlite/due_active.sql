-- posts.due_active
-- ?1 older than, ?2 how many: oldest first, without those somebody has commented on since, each weighed by the rows that go
-- with it.
SELECT id,
    1 + (SELECT count(*) FROM comments WHERE post_id = p.id)
        + (SELECT count(*) FROM likes WHERE post_id = p.id) AS weight,
    octet_length(title) + octet_length(body)
        + (SELECT coalesce(sum(octet_length(c.body)), 0) FROM comments c WHERE c.post_id = p.id) AS bytes
FROM posts p
WHERE created_at < ?1
    AND NOT EXISTS (SELECT 1 FROM archive_rejects r WHERE r.resource = 'posts' AND r.id = p.id)
    AND NOT EXISTS (SELECT 1 FROM comments c WHERE c.post_id = p.id AND c.created_at >= ?1)
ORDER BY created_at, id LIMIT ?2
