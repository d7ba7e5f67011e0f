DROP TABLE archive_control;
