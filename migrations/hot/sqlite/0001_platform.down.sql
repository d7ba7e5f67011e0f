DROP TABLE stock_prices;
DROP TABLE stocks;
DROP TABLE likes;
DROP TABLE comments;
DROP TABLE posts;
DROP TABLE messages;
DROP TABLE conversations;
DROP TABLE users;
