-- archive.note_erased
-- ?1 what the ids are of, ?2 ids, ?3 reason, ?4 now
INSERT INTO archive_erasures (resource, id, reason, at)
SELECT ?1, value, ?3, ?4 FROM json_each(?2) WHERE true ON CONFLICT (resource, id) DO NOTHING
