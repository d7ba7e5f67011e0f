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
SELECT 0 AS epoch, NULL AS token, NULL AS cold_newest_at, NULL AS cold_newest_id, c.n, 0 AS late,
    r.*
FROM (SELECT count(*) AS n FROM mine) c LEFT JOIN (
    SELECT * FROM mine ORDER BY {at} {direction}, id {direction} LIMIT +$5 OFFSET $6
) r ON 1 = 1
ORDER BY r.{at} {direction}, r.id {direction}

-- name: overview_hot
SELECT s.epoch, s.token, s.cold_newest_at, s.cold_newest_id, j.value AS conversation,
    u1.id AS user1, u1.username AS name1, u2.id AS user2, u2.username AS name2,
    m.id, m.conversation_id, m.sender_id, m.content, m.created_at, m.is_read,
    (SELECT count(*) FROM messages n WHERE n.conversation_id = j.value AND n.is_read = 0 AND n.sender_id <> $2) AS unread
FROM (SELECT epoch, token, cold_newest_at, cold_newest_id FROM archive_state WHERE resource = 'messages') s
LEFT JOIN json_each($1) j ON 1 = 1
LEFT JOIN conversations c ON c.id = j.value
LEFT JOIN users u1 ON u1.id = c.user1_id
LEFT JOIN users u2 ON u2.id = c.user2_id AND c.user2_id <> c.user1_id
LEFT JOIN messages m ON m.id = (
    SELECT id FROM messages WHERE conversation_id = j.value ORDER BY created_at DESC, id DESC LIMIT 1
)

-- name: overview_cold
WITH p AS MATERIALIZED (
    {proof}
)
SELECT p.floor, p.proven, p.confirmed, j.value AS conversation,
    m.original_id AS id, m.conversation_id, m.sender_id, m.content, m.created_at, m.is_read,
    (SELECT count(*) FROM messages_archive n
     WHERE n.conversation_id = j.value AND n.is_read = 0 AND n.sender_id <> $2
        AND n.from_epoch <= $3 AND (n.to_epoch IS NULL OR n.to_epoch > $3)) AS unread
FROM p LEFT JOIN json_each($1) j ON 1 = 1
LEFT JOIN messages_archive m ON m.conversation_id = j.value AND m.id = (
    SELECT id FROM (
        SELECT * FROM (
            SELECT id, created_at, original_id FROM messages_archive
            WHERE conversation_id = j.value AND from_epoch <= $3 AND to_epoch IS NULL
            ORDER BY created_at DESC, original_id DESC LIMIT 1
        )
        UNION ALL
        SELECT * FROM (
            SELECT id, created_at, original_id FROM messages_archive
            WHERE conversation_id = j.value AND from_epoch <= $3 AND to_epoch > $3
            ORDER BY created_at DESC, original_id DESC LIMIT 1
        )
        ORDER BY created_at DESC, original_id DESC LIMIT 1
    )
)

-- name: hot_find
SELECT 0 AS epoch, NULL AS token, NULL AS cold_newest_at, NULL AS cold_newest_id,
    r.*
FROM (SELECT 1) one LEFT JOIN (
    SELECT id, user1_id, user2_id, created_at, updated_at FROM conversations
    WHERE id = $1 AND (user1_id = $2 OR user2_id = $2)
) r ON 1 = 1
