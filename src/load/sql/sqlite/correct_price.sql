-- load.correct_price
-- ?1 stock, ?2 day, ?3… the values
UPDATE stock_prices SET open_price = ?3, high_price = ?4, low_price = ?5, close_price = ?6, change_amount = ?7,
    volume = ?8, turnover = ?9, transaction_count = ?10
WHERE stock_id = ?1 AND trade_date = ?2
