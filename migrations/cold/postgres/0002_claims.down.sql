ALTER TABLE archive_head DROP COLUMN claimed_at;
ALTER TABLE archive_head DROP COLUMN mover;
