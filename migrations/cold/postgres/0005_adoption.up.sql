-- The progress of adopting a platform's own archive. Its tables wait in the schema platform_originals: each is noted here in
-- the transaction that makes this table, so that no version of this program serves a pair whose adoption is not done.
CREATE TABLE archive_adoption (
    source TEXT COLLATE "C" NOT NULL,
    phase TEXT COLLATE "C" NOT NULL,
    zone TEXT COLLATE "C" NOT NULL,
    last_id BIGINT NOT NULL,
    row_count BIGINT NOT NULL,
    left_hot BIGINT NOT NULL,
    at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (source)
);
INSERT INTO archive_adoption (source, phase, zone, last_id, row_count, left_hot, at)
SELECT c.relname, 'found', 'UTC', -9223372036854775807, 0, 0, now() FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = 'platform_originals' AND c.relkind IN ('r', 'p')
    AND c.relname IN ('messages_archive', 'posts_archive', 'stock_prices_history', 'user_behavior_analytics');

-- The rows of the platform's archive that did not become versions, each with the reason. They stay when the originals are
-- dropped.
CREATE TABLE archive_adoption_rejects (
    source TEXT COLLATE "C" NOT NULL,
    id BIGINT NOT NULL,
    original_id BIGINT,
    class TEXT COLLATE "C" NOT NULL,
    detail TEXT COLLATE "C" NOT NULL,
    content TEXT COLLATE "C",
    at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (source, id)
);
CREATE INDEX archive_adoption_rejects_original ON archive_adoption_rejects (source, original_id);
CREATE INDEX archive_adoption_rejects_class ON archive_adoption_rejects (source, class, id);
