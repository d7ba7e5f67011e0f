-- Who claimed the newest number and when. The claim is the one step of a move that others can see while it runs.
ALTER TABLE archive_head ADD COLUMN mover TEXT COLLATE "C";
ALTER TABLE archive_head ADD COLUMN claimed_at TIMESTAMPTZ;
