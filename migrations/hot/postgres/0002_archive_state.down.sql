DROP TABLE archive_erasures;
DROP TABLE archive_rejects;
DROP TABLE archive_state;
