-- status.head
-- ?1 resource, ?2 epoch, ?3 token: what cold knows of the moves, and whether that epoch of hot is among them.
SELECT h.claimed, h.floor, h.mover, h.claimed_at,
    (SELECT max(epoch) FROM archive_batches WHERE resource = ?1 AND confirmed = 1) AS confirmed,
    (SELECT count(*) FROM archive_batches WHERE resource = ?1 AND epoch = ?2 AND token = ?3) AS proven
FROM archive_head h WHERE h.resource = ?1
