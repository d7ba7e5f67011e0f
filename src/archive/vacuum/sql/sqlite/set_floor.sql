-- vacuum.set_floor
-- ?1 resource, ?2 floor: it only rises.
UPDATE archive_head SET floor = ?2 WHERE resource = ?1 AND floor < ?2
