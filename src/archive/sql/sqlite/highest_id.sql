-- archive.highest_id
-- ?1 what the ids are of: the highest that cold knows, erased ones too.
SELECT max(id) AS id FROM (
    SELECT max(original_id) AS id FROM {table} UNION ALL SELECT max(id) FROM archive_erasures WHERE resource = ?1
) ids
