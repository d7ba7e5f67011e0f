-- archive.journal
-- ?1 resource, ?2 epoch, ?3 kind, ?4 token, ?5 rows, ?6 ?7 first key, ?8 ?9 last key, ?10 digest, ?11 started, ?12 finished
INSERT INTO archive_batches
    (resource, epoch, kind, token, row_count, first_at, first_id, last_at, last_id, digest, started, finished, confirmed)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, 0)
