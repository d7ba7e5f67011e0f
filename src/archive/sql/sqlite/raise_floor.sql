-- archive.raise_floor
-- ?1 resource, ?2 epoch: who reads below it asks hot again.
UPDATE archive_head SET floor = ?2 WHERE resource = ?1 AND floor < ?2
