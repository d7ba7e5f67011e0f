-- load.cold_alike
-- ?1… the compared columns, then the epoch: how many visible rows there are with this content.
SELECT count(*) AS n FROM {table} WHERE {alike} AND from_epoch <= {epoch} AND (to_epoch IS NULL OR to_epoch > {epoch})
