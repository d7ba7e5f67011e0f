-- load.hot_alike
-- @P1… the compared columns: how many rows there are with this content.
SELECT COUNT_BIG(*) AS n FROM {table} WHERE {alike}
