-- name: overview_cold
WITH p AS MATERIALIZED (
    {proof}
)
SELECT p.floor, p.proven, p.confirmed, j.id AS conversation,
    m.id, m.conversation_id, m.sender_id, m.content, m.created_at, m.is_read, n.unread
FROM p LEFT JOIN unnest($1::bigint[]) AS j(id) ON true
LEFT JOIN LATERAL (
    (
        SELECT original_id AS id, conversation_id, sender_id, content, created_at, is_read FROM messages_archive
        WHERE conversation_id = j.id AND from_epoch <= $3 AND to_epoch IS NULL
        ORDER BY created_at DESC, original_id DESC LIMIT 1
    ) UNION ALL (
        SELECT original_id AS id, conversation_id, sender_id, content, created_at, is_read FROM messages_archive
        WHERE conversation_id = j.id AND from_epoch <= $3 AND to_epoch > $3
        ORDER BY created_at DESC, original_id DESC LIMIT 1
    )
    ORDER BY created_at DESC, id DESC LIMIT 1
) m ON true
CROSS JOIN LATERAL (
    SELECT count(*) AS unread FROM messages_archive
    WHERE conversation_id = j.id AND NOT is_read AND sender_id <> $2
        AND from_epoch <= $3 AND (to_epoch IS NULL OR to_epoch > $3)
) n

-- name: hot_slice
WITH mine AS MATERIALIZED (
    SELECT id, user1_id, user2_id, created_at, updated_at FROM conversations
    WHERE user1_id = $8 AND ({at}, id) >= ($1, $2)
        AND ({at}, id) < ($3, $4)
    UNION
    SELECT id, user1_id, user2_id, created_at, updated_at FROM conversations
    WHERE user2_id = $8 AND ({at}, id) >= ($1, $2)
        AND ({at}, id) < ($3, $4)
)
SELECT 0::bigint AS epoch, NULL::bigint AS token, NULL::timestamptz AS cold_newest_at, NULL::bigint AS cold_newest_id,
    c.n, 0::bigint AS late,
    r.*
FROM (SELECT CASE WHEN $7 THEN (SELECT count(*) FROM mine) END AS n) c LEFT JOIN (
    SELECT * FROM mine ORDER BY {at} {direction}, id {direction} LIMIT $5 OFFSET $6
) r ON true
ORDER BY r.{at} {direction}, r.id {direction}

-- name: overview_hot
SELECT s.epoch, s.token, s.cold_newest_at, s.cold_newest_id, j.id AS conversation,
    u1.id AS user1, u1.username AS name1, u2.id AS user2, u2.username AS name2,
    m.id, m.conversation_id, m.sender_id, m.content, m.created_at, m.is_read, n.unread
FROM (SELECT epoch, token, cold_newest_at, cold_newest_id FROM archive_state WHERE resource = 'messages') s
LEFT JOIN unnest($1::bigint[]) AS j(id) ON true
LEFT JOIN conversations c ON c.id = j.id
LEFT JOIN users u1 ON u1.id = c.user1_id
LEFT JOIN users u2 ON u2.id = c.user2_id AND c.user2_id <> c.user1_id
LEFT JOIN LATERAL (
    SELECT id, conversation_id, sender_id, content, created_at, is_read FROM messages
    WHERE conversation_id = j.id ORDER BY created_at DESC, id DESC LIMIT 1
) m ON true
CROSS JOIN LATERAL (
    SELECT count(*) AS unread FROM messages WHERE conversation_id = j.id AND NOT is_read AND sender_id <> $2
) n

-- name: hot_find
SELECT 0::bigint AS epoch, NULL::bigint AS token, NULL::timestamptz AS cold_newest_at, NULL::bigint AS cold_newest_id,
    r.*
FROM (SELECT 1) one LEFT JOIN (
    SELECT id, user1_id, user2_id, created_at, updated_at FROM conversations
    WHERE id = $1 AND (user1_id = $2 OR user2_id = $2)
) r ON true
