-- name: sort
-- An interval is multiplied as a float, so seconds and the rest are added one after the other.
SELECT timestamptz '1970-01-01 00:00:00+00'
        + (micros / 1000000) * interval '1 second' + (micros % 1000000) * interval '1 microsecond' AS at,
    id
FROM unnest($1, $2) AS k (micros, id)
ORDER BY at DESC, id DESC
