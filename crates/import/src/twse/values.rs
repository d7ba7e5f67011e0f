//! Dates and numbers as the exchange writes them.

use std::borrow::Cow;

use chrono::NaiveDate;
use rust_decimal::Decimal;

use super::super::fields::{self, Reject};

/// Parses a date of the Minguo calendar, such as `107/03/01`. Its year 1 is 1912.
pub fn minguo_date(text: &str) -> Result<NaiveDate, Reject> {
    let parse = || {
        let mut parts = text.trim().splitn(3, '/').map(|part| part.parse::<u16>().ok());
        let (year, month, day) = (parts.next()??, parts.next()??, parts.next()??);
        // A year of four digits is Gregorian, and would come out in the 40th century.
        (1..1000)
            .contains(&year)
            .then(|| NaiveDate::from_ymd_opt(i32::from(year) + 1911, month.into(), day.into()))?
    };
    parse().ok_or_else(|| Reject::value("trade_date", "not a date such as 107/03/01", text))
}

/// Parses a date of the Minguo calendar without separators, such as `1070301`.
pub fn compact_minguo_date(text: &str) -> Result<NaiveDate, Reject> {
    let parse = || {
        let digits = Some(text)
            .filter(|text| (6..=7).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit()))?;
        let (year, day) = digits.split_at(digits.len() - 4);
        minguo_date(&format!("{year}/{}/{}", &day[..2], &day[2..])).ok()
    };
    parse().ok_or_else(|| Reject::value("trade_date", "not a date such as 1070301", text))
}

/// Parses a price; `None` on a day without a trade.
pub fn amount(column: &str, text: &str) -> Result<Option<Decimal>, Reject> {
    let amount = number(column, text)?.map(|number| fields::decimal(column, &number));
    Ok(amount.transpose()?.filter(|amount| !amount.is_zero()))
}

/// Parses a count.
pub fn count(column: &str, text: &str) -> Result<Option<i64>, Reject> {
    number(column, text)?.map(|number| fields::count(column, &number)).transpose()
}

/// Parses the change, whose sign is part of it or stands in a column of its own, as HTML.
pub fn change(sign: &str, text: &str) -> Result<Option<Decimal>, Reject> {
    let column = "change_amount";
    let sign = without_tags(sign);
    let text = text.trim();
    if sign == "X" || text.starts_with('X') {
        return Ok(None);
    }
    let change = number(column, text)?.map(|number| fields::decimal(column, &number)).transpose()?;
    match sign.as_str() {
        "" | "+" => Ok(change),
        "-" => Ok(change.map(|change| Decimal::ZERO - change)),
        _ => Err(Reject::value(column, "not a sign", &sign)),
    }
}

fn without_tags(html: &str) -> String {
    let mut inside = false;
    let text = html.chars().filter(|&one| {
        let keep = !inside && one != '<';
        inside = one == '<' || (inside && one != '>');
        keep
    });
    text.collect::<String>().trim().to_owned()
}

/// Returns a number without its thousands separators; `None` for empty text and dashes.
fn number<'a>(column: &str, text: &'a str) -> Result<Option<Cow<'a, str>>, Reject> {
    let text = text.trim();
    if text.bytes().all(|byte| byte == b'-') {
        return Ok(None);
    }
    let Some((first, rest)) = text.split_once(',') else {
        return Ok(Some(text.into()));
    };
    // `37,1` is not 371.
    let groups = rest.split('.').next().unwrap_or_default();
    if first.is_empty() || groups.split(',').any(|group| group.len() != 3) {
        return Err(Reject::value(column, "separators are not between thousands", text));
    }
    Ok(Some(text.replace(',', "").into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(amount: Result<Option<Decimal>, Reject>) -> Option<String> {
        amount.expect("an amount").map(|amount| amount.to_string())
    }

    /// Each of these read as a plain number would be a wrong price.
    #[test]
    fn day_without_a_trade_has_no_price() {
        for text in ["", " ", "--", "---", "0.0", "0.00"] {
            assert_eq!(shown(amount("open_price", text)), None, "{text:?}");
        }
        assert_eq!(shown(amount("open_price", "3,925.00")), Some("3925.00".to_owned()));
        assert_eq!(count("volume", "0"), Ok(Some(0)));
        assert_eq!(count("turnover", "18,171,598,472"), Ok(Some(18_171_598_472)));
        for text in ["37,1", ",500", "1,00,000", "1,000,"] {
            assert!(count("volume", text).is_err(), "{text}");
        }
    }

    #[test]
    fn change_has_its_sign_or_is_not_comparable() {
        let minus = "<p style= color:green>-</p>";
        for (sign, text, expected) in [
            ("", "X0.00", None),
            ("X", "0.00", None),
            ("", " 0.00", Some("0.00")),
            (" ", "0.00", Some("0.00")),
            ("", "-15.00", Some("-15.00")),
            ("", "+3.50", Some("3.50")),
            ("<p style= color:red>+</p>", "0.43", Some("0.43")),
            (minus, "0.05", Some("-0.05")),
            (minus, "0.00", Some("0.00")),
        ] {
            let expected = expected.map(str::to_owned);
            assert_eq!(shown(change(sign, text)), expected, "{sign} {text}");
        }
        assert!(change("?", "1.00").is_err());
    }

    #[test]
    fn minguo_dates_are_read() {
        let date = |year, month, day| NaiveDate::from_ymd_opt(year, month, day).expect("a date");
        assert_eq!(minguo_date("107/03/01"), Ok(date(2018, 3, 1)));
        assert_eq!(minguo_date("81/01/04"), Ok(date(1992, 1, 4)));
        for text in ["2018/03/01", "107/02/29", "107/03", "0/01/01", ""] {
            assert!(minguo_date(text).is_err(), "{text}");
        }
        assert_eq!(compact_minguo_date("1150105"), Ok(date(2026, 1, 5)));
        assert_eq!(compact_minguo_date("990105"), Ok(date(2010, 1, 5)));
        for text in ["20260105", "1151301", "115/105", "", "１１５０１０５"] {
            assert!(compact_minguo_date(text).is_err(), "{text}");
        }
    }
}
