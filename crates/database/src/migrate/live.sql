-- The presence of the change feed.

-- name: kind
-- tier: hot
-- purpose: Tells whether hot has a change feed, and how rows get their versions: 1 by a counter, 2 by a ROWVERSION, 3 and 4 by the number of the transaction; 0 without a feed.
-- index: none: the catalog

-- name: redraw
-- tier: hot
-- purpose: Makes every token of the change feed expire.
-- parameters: incarnation int
-- index: primary key of live_state
UPDATE live_state SET incarnation = $1

-- name: is_beyond
-- tier: hot
-- engine: postgres
-- purpose: Tells whether the floor of the change feed lies above every transaction that this server knows.
-- index: primary key of live_state
SELECT floor > pg_snapshot_xmax(pg_current_snapshot())::text::bigint AS is_beyond FROM live_state
