DROP TABLE archive_adoption_rejects;
DROP TABLE archive_adoption;
