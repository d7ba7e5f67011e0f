-- archive.erasing
-- What is still to be erased, or to be taken out of cold.
SELECT resource, id, pending FROM archive_erasures WHERE pending IS NOT NULL ORDER BY resource, id
