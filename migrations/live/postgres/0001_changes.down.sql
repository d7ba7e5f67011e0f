DROP TRIGGER IF EXISTS live_update ON messages;
DROP FUNCTION IF EXISTS live_version();
ALTER TABLE messages DROP COLUMN IF EXISTS live_version;
DROP TABLE IF EXISTS live_erased;
DROP TABLE IF EXISTS live_moved;
DROP TABLE IF EXISTS live_state;
