-- Templates of lists, and the statements over counted blocks.
--
-- A list fills in: {table}, {columns} (as the API shows them), {at} and {id} (its key), {order} and {row_order} (the key's
-- order, of a table and of the rows `r`), {where} (the conditions of its filter), {span} (the keys between two bounds) and
-- {extra} (numbers of children). The names of engine fragments are those of the queries below.
--
-- SQLite looks at the value of a bare parameter behind LIMIT while it plans, and plans the statement anew whenever the parameter is
-- bound. Of `+$1` it does not.

-- name: hot_slice
-- tier: hot
-- purpose: Reads a slice of a list with the archive state and, when asked, the number of rows in its span.
-- parameters: lower_at time, lower_id int, upper_at time, upper_id int, take int, skip int, count bool{parameters}
-- index: {index}

-- name: hot_numbered
-- tier: hot
-- purpose: Reads rows of a list from a place on, with the archive state and the number of all rows.
-- parameters: take int, skip int{parameters}
-- index: {index}
WITH s AS MATERIALIZED (
    {state}
),
c AS MATERIALIZED (
    SELECT (SELECT count(*) FROM {table}{conditions}) AS n,
        (
            SELECT count(*) FROM {table}
            WHERE {where}{at} <= s.cold_newest_at AND ({at}, {id}) < (s.cold_newest_at, s.cold_newest_id)
        ) AS late
    FROM s
)
SELECT {state_columns}, c.n, c.late,
    r.*{extra}
FROM s CROSS JOIN c LEFT JOIN (
    -- Of rows that are skipped only keys are read, and none is skipped past the end.
    SELECT {columns} FROM {table} WHERE id {ids_from_place}
) r ON 1 = 1
ORDER BY {row_order}

-- name: hot_rows
-- tier: hot
-- purpose: Reads rows of a list between the bounds that it names, with the archive state.
-- parameters: {bounds}take int{parameters}
-- index: {index}
{prelude}SELECT {state_columns},
    r.*{extra}
FROM (
    {state}
) s LEFT JOIN (
    SELECT {columns} FROM {table}{conditions}
    ORDER BY {order} LIMIT +{take}
) r ON 1 = 1

-- name: hot_find
-- tier: hot
-- purpose: Reads the row of a list with this id, with the archive state.
-- parameters: id int{parameters}
-- index: primary key
SELECT s.*,
    r.*{extra}
FROM (
    {state}
) s LEFT JOIN (
    SELECT {columns} FROM {table} WHERE {where}id = $1
) r ON 1 = 1

-- name: cold_slice
-- tier: cold
-- purpose: Reads a slice of a list as of an epoch, with the proof of the epoch. Open versions and those closed after the epoch are two index ranges, merged.
-- parameters: lower_at time, lower_id int, upper_at time, upper_id int, take int, skip int, epoch int, token int{parameters}
-- index: those of the open and of the closed versions of {table}

-- name: cold_rows
-- tier: cold
-- purpose: Reads rows of a list between the bounds that it names as of an epoch, with the proof of the epoch.
-- parameters: {bounds}take int, epoch int, token int{parameters}
-- index: those of the open and of the closed versions of {table}

-- name: cold_find
-- tier: cold
-- purpose: Reads the row of a list with this id as of an epoch, with the proof of the epoch.
-- parameters: id int, epoch int, token int{parameters}
-- index: {table}_original
WITH p AS MATERIALIZED (
    {proof}
)
SELECT p.floor, p.proven, p.confirmed,
    r.*{extra}
FROM p LEFT JOIN (
    SELECT {columns} FROM {table}
    WHERE {where}original_id = $1
        AND from_epoch <= $2 AND (to_epoch IS NULL OR to_epoch > $2)
) r ON 1 = 1

-- name: cold_find_all
-- tier: cold
-- purpose: Reads rows by their ids as of an epoch, with the proof of the epoch.
-- parameters: ids ints, epoch int, token int{parameters}
-- index: {table}_original
WITH p AS MATERIALIZED (
    {proof}
)
SELECT p.floor, p.proven, p.confirmed,
    r.*{extra}
FROM p LEFT JOIN (
    SELECT {columns} FROM {table}
    WHERE {where}original_id {any $1}
        AND from_epoch <= $2 AND (to_epoch IS NULL OR to_epoch > $2)
) r ON 1 = 1

-- name: cold_count
-- tier: cold
-- purpose: Counts the rows of a span as of an epoch, with the proof of the epoch. With counted blocks only the partial blocks at both ends of a span are counted this way.
-- parameters: lower_at time, lower_id int, upper_at time, upper_id int, unused int, unused int, epoch int, token int{parameters}
-- index: those of the open and of the closed versions of {table}
WITH p AS MATERIALIZED (
    {proof}
)
SELECT p.floor, p.proven, p.confirmed,
    (SELECT count(*) FROM {table}
     WHERE {where}{span}
        AND +from_epoch <= $7 AND to_epoch IS NULL)
    + (SELECT count(*) FROM {table}
       WHERE {unindexed}{span}
        AND +from_epoch <= $7 AND to_epoch > $7) AS n
FROM p

-- name: state
-- tier: fragment
-- purpose: The archive state of a resource.
SELECT epoch, token, cold_newest_at, cold_newest_id FROM archive_state WHERE resource = '{resource}'

-- name: state_with_bound
-- tier: fragment
-- purpose: The archive state of a resource with the incarnation and the bound of the change feed, all of one instant, or the bound of one before.

-- name: state_of_children
-- tier: fragment
-- purpose: The archive state as the children of a row see it. They move with it: while hot has it, cold has none of them; without it, cold may have all.

-- name: ids_from_place
-- tier: fragment
-- purpose: A condition: the ids of as many rows as are taken, from a place in the order of a list on.

-- name: proof
-- tier: fragment
-- purpose: Proves that this cold tier knows the reader's epoch.

-- name: hot_span
-- tier: fragment
-- purpose: The keys between two bounds of a list ordered by an instant, in hot.
({at}, {id}) >= ($1, $2)
        AND ({at}, {id}) < ($3, $4)

-- name: cold_span
-- tier: fragment
-- purpose: The keys between two bounds of a list ordered by an instant, in cold.
({at}, {id}) >= ($1, $2)
        AND ({at}, {id}) < ($3, $4)

-- name: span_of_days
-- tier: fragment
-- purpose: The keys between two bounds of a list ordered by a day. The key of a day is its midnight in UTC and 0.

-- name: from_key
-- tier: fragment
-- purpose: The keys from a bound of a list ordered by an instant on.
({at}, {id}) >= ({key_at}, {key_id})

-- name: below_key
-- tier: fragment
-- purpose: The keys below a bound of a list ordered by an instant.
({at}, {id}) < ({key_at}, {key_id})

-- name: from_day
-- tier: fragment
-- purpose: The days from a bound of a list ordered by a day on.
{at} >= {key_at}

-- name: below_day
-- tier: fragment
-- purpose: The days below a bound of a list ordered by a day.
{at} < {key_at}

-- name: containing
-- tier: fragment
-- purpose: Rows whose text contains a parameter. ASCII letters match without case, everything else exactly, and no character is a wildcard.

-- name: hot_children
-- tier: fragment
-- purpose: The number of a row's children in hot.
(SELECT count(*) FROM {child} WHERE {owner} = r.id)

-- name: cold_children
-- tier: fragment
-- purpose: The number of a row's children in cold as of an epoch.

-- name: listed_row
-- tier: fragment
-- purpose: The id of a row of a slice, as the numbers of its children name it.
r.id

-- name: blocks_locate
-- tier: cold
-- purpose: Finds the level 0 block that holds the row of this rank, newest first.
-- parameters: scope int, epoch int, rank int
-- index: primary key of {blocks}

-- name: blocks_rank
-- tier: cold
-- purpose: Finds the level 0 block that a key lies in, and how many rows are newer than that block.
-- parameters: scope int, epoch int, key_at time, key_id int
-- index: primary key of {blocks}

-- name: blocks_matching
-- tier: cold
-- purpose: Looks at the next level 0 blocks between two keys, and returns those in which a text can be, and the last one: blocks without a signature that has not all bits of the text, and those at or above the oldest row that was closed after the epoch, which a signature may lack.
-- parameters: scope int, epoch int, lower_at time, lower_id int, upper_at time, upper_id int, blocks int{parameters}
-- index: primary keys of {blocks} and {signatures}; that of the closed versions of {table}

-- name: gram_bit
-- tier: fragment
-- purpose: Whether a signature has a bit.

-- name: changes
-- tier: hot
-- purpose: Reads the changes of a list's rows from a position up to the bound, with the state of the change feed and of the archive: 0 a row of hot, 1 a row that moved to cold, 2 a row that was erased.
-- parameters: version int, id int, take int{parameters}
-- index: live_versions, messages_live; primary key of live_moved; live_erased_version

-- name: of_scopes
-- tier: fragment
-- purpose: Rows of some scopes.
 AND scope {any $4}
