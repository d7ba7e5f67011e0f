-- load.hot_alike
-- ?1… the compared columns: how many rows there are with this content.
SELECT count(*) AS n FROM {table} WHERE {alike}
