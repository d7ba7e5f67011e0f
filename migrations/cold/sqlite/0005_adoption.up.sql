-- A platform's own archive is in PostgreSQL; here the tables are as there, and empty.
CREATE TABLE archive_adoption (
    source TEXT NOT NULL,
    phase TEXT NOT NULL,
    zone TEXT NOT NULL,
    last_id INTEGER NOT NULL,
    row_count INTEGER NOT NULL,
    left_hot INTEGER NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (source)
) WITHOUT ROWID;
CREATE TABLE archive_adoption_rejects (
    source TEXT NOT NULL,
    id INTEGER NOT NULL,
    original_id INTEGER,
    class TEXT NOT NULL,
    detail TEXT NOT NULL,
    content TEXT,
    at INTEGER NOT NULL,
    PRIMARY KEY (source, id)
) WITHOUT ROWID;
CREATE INDEX archive_adoption_rejects_original ON archive_adoption_rejects (source, original_id);
CREATE INDEX archive_adoption_rejects_class ON archive_adoption_rejects (source, class, id);
