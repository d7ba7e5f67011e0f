-- load.hot_alike
-- @P1… the compared columns: how many rows there are with this content; a seek in messages_key, posts_author_key,
-- comments_key or conversations_user1. Users, who have no index but their ids, are scanned.
SELECT COUNT_BIG(*) AS n FROM {table} WHERE {alike}
