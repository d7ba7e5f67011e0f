-- check.sort
-- $1 instants, $2 ids: the keys, newest first. An interval is multiplied as a float, so seconds and the rest apart.
SELECT timestamptz '1970-01-01 00:00:00+00'
        + (micros / 1000000) * interval '1 second' + (micros % 1000000) * interval '1 microsecond' AS at,
    id
FROM unnest($1, $2) AS k (micros, id)
ORDER BY at DESC, id DESC
