-- The tables are the platform's own, and may have been there before this program: none is dropped with rows in it.
DO $$
BEGIN
    IF EXISTS (SELECT 1 FROM users)
        OR EXISTS (SELECT 1 FROM conversations)
        OR EXISTS (SELECT 1 FROM messages)
        OR EXISTS (SELECT 1 FROM posts)
        OR EXISTS (SELECT 1 FROM comments)
        OR EXISTS (SELECT 1 FROM likes)
        OR EXISTS (SELECT 1 FROM stocks)
        OR EXISTS (SELECT 1 FROM stock_prices)
    THEN
        RAISE EXCEPTION 'the tables of the platform hold rows and are not dropped';
    END IF;
END
$$;
DROP TABLE stock_prices;
DROP TABLE stocks;
DROP TABLE likes;
DROP TABLE comments;
DROP TABLE posts;
DROP TABLE messages;
DROP TABLE conversations;
DROP TABLE users;
