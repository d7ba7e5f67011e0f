//! The symbol and the day that a file's name and the titles inside it tell.

use chrono::NaiveDate;

use super::Noun;
use super::container::Problem;
use super::fields;

/// Where the symbol and the day of a file come from.
#[derive(Clone, Copy, Debug, Default)]
pub struct Origin<'a> {
    /// The file's name without directory and extensions.
    pub stem: Option<&'a str>,
    /// The symbol the caller gave.
    pub symbol: Option<&'a str>,
}

/// The facts that names and titles tell of a file. They must agree.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// The symbol the caller gave.
    given: Option<String>,
    /// The symbol in the file's name.
    named: Option<String>,
    /// Whether the file's name says nothing but its symbol and a month.
    is_of_one_symbol: bool,
    /// The day in the file's name.
    named_day: Option<NaiveDate>,
    /// The symbol in a title.
    titled: Option<String>,
    /// The day in a title.
    titled_day: Option<NaiveDate>,
}

impl Facts {
    /// Reads the name of a file.
    pub fn of(noun: &Noun, origin: Origin<'_>) -> Result<Self, Problem> {
        let given = origin.symbol.map(|given| {
            checked(noun, given).map_err(|reason| Problem::Exchange(format!("--symbol: {reason}")))
        });
        let stem = origin.stem.unwrap_or_default();
        let (bare, is_official) = match stem.get(..OFFICIAL.len()) {
            Some(start) if start.eq_ignore_ascii_case(OFFICIAL) => (&stem[OFFICIAL.len()..], true),
            _ => (stem, false),
        };
        let end = bare.find(|one: char| !one.is_ascii_alphanumeric()).unwrap_or(bare.len());
        let (first, rest) = bare.split_at(end);
        // Every symbol of this exchange begins with a digit; `prices.csv` contains none.
        let is_symbol = first.starts_with(|first: char| first.is_ascii_digit());
        let named = is_symbol.then(|| checked(noun, first).ok()).flatten();
        let is_bare = rest.bytes().all(|byte| byte.is_ascii_digit() || b"_-".contains(&byte));
        Ok(Self {
            given: given.transpose()?,
            is_of_one_symbol: named.is_some() && day_in(stem).is_none() && (is_official || is_bare),
            named,
            named_day: day_in(stem),
            ..Self::default()
        })
    }

    /// Adds the facts of a title. Returns false for a text that is no title.
    ///
    /// # Errors
    /// A title that names another symbol or another day than the file's name, or than an earlier title.
    pub fn add_title(&mut self, text: &str) -> Result<bool, Problem> {
        let Some(title) = Title::read(text) else { return Ok(false) };
        if let Some(symbol) = title.symbol {
            for (other, whose) in [
                (&self.given, "the symbol given is"),
                (&self.named, "the file's name says"),
                (&self.titled, "an earlier title names"),
            ] {
                if let Some(other) = other.as_ref().filter(|other| **other != symbol) {
                    return Err(Problem::Exchange(format!("the title names {symbol}, {whose} {other}")));
                }
            }
            self.titled = Some(symbol);
        }
        if let Some(day) = title.day {
            self.add_day(day)?;
        }
        Ok(true)
    }

    /// Adds the day that the content tells.
    ///
    /// # Errors
    /// Another day than the file's name or an earlier title tells.
    pub fn add_day(&mut self, day: NaiveDate) -> Result<(), Problem> {
        for (other, whose) in
            [(self.named_day, "the file's name says"), (self.titled_day, "an earlier title says")]
        {
            if let Some(other) = other.filter(|other| *other != day) {
                return Err(Problem::Exchange(format!("the title is of {day}, {whose} {other}")));
            }
        }
        self.titled_day = Some(day);
        Ok(())
    }

    /// Returns the symbol of a file of one symbol.
    pub fn symbol(&self) -> Result<&str, Problem> {
        let symbol = self.given.as_deref().or(self.titled.as_deref()).or(self.named.as_deref());
        symbol.ok_or_else(|| {
            let why = "no symbol: it is in the file's name, such as 0050.csv, in a title, or has to be given";
            Problem::Exchange(why.to_owned())
        })
    }

    /// Returns the day of a file of one market day.
    pub fn day(&self) -> Result<NaiveDate, Problem> {
        self.market_day()?;
        self.titled_day.or(self.named_day).ok_or_else(|| {
            let why =
                "a market day has its date in a title or in the file's name, such as market_20180227.csv";
            Problem::Exchange(why.to_owned())
        })
    }

    /// Checks that the file may hold every symbol.
    pub fn market_day(&self) -> Result<(), Problem> {
        if self.given.is_some() {
            let why = "a market day holds every symbol: no symbol can be given";
            return Err(Problem::Exchange(why.to_owned()));
        }
        match &self.named {
            Some(named) if self.is_of_one_symbol => {
                Err(Problem::Exchange(format!("holds a whole market, the file's name says {named}")))
            }
            _ => Ok(()),
        }
    }
}

/// The prefixes of the exchange's file names for a single symbol.
const OFFICIAL: &str = "STOCK_DAY_";

/// A line such as `115年01月 2330 台積電 各日成交資訊` or `115年01月05日 每日收盤行情`.
#[derive(Debug, PartialEq, Eq)]
struct Title {
    symbol: Option<String>,
    day: Option<NaiveDate>,
}

impl Title {
    fn read(text: &str) -> Option<Self> {
        let (year, rest) = text.trim().split_once('年')?;
        let (month, rest) = rest.split_once('月')?;
        let year = 1911 + year.parse::<u16>().ok().filter(|year| (1..1000).contains(year))?;
        let month = month.parse::<u32>().ok()?;
        let day = rest.split_once('日').and_then(|(day, _)| day.parse().ok());
        if let Some(day) = day {
            return Some(Self { symbol: None, day: NaiveDate::from_ymd_opt(year.into(), month, day) });
        }
        let first = rest.split_whitespace().next().unwrap_or_default();
        let is_symbol = first.starts_with(|first: char| first.is_ascii_digit())
            && first.bytes().all(|byte| byte.is_ascii_alphanumeric());
        Some(Self { symbol: is_symbol.then(|| first.to_owned()), day: None })
    }
}

fn checked(noun: &Noun, symbol: &str) -> Result<String, String> {
    let column = noun.columns().find(|column| column.name == "symbol");
    let checked = column.map_or(Ok(symbol), |column| fields::text(column, symbol));
    checked.map(str::to_owned).map_err(|reject| reject.reason)
}

fn day_in(stem: &str) -> Option<NaiveDate> {
    stem.split(|one: char| !one.is_ascii_digit())
        .filter(|digits| digits.len() == 8)
        .find_map(|digits| NaiveDate::parse_from_str(digits, "%Y%m%d").ok())
}

#[cfg(test)]
mod tests {
    use super::super::super::testing::PRICES;
    use super::*;

    fn facts(stem: &str, symbol: Option<&str>) -> Facts {
        Facts::of(&PRICES, Origin { stem: Some(stem), symbol }).expect("sound")
    }

    fn date(year: i32, month: u32, day: u32) -> NaiveDate {
        NaiveDate::from_ymd_opt(year, month, day).expect("a date")
    }

    #[test]
    fn day_and_symbol_come_from_the_name_of_the_file() {
        assert_eq!(facts("market_20180227", None).day().ok(), Some(date(2018, 2, 27)));
        assert_eq!(facts("market_20180230", None).day().ok(), None);
        for (stem, given, symbol) in [
            ("1312A", None, Some("1312A")),
            ("2330_202206", None, Some("2330")),
            ("2330 (1)", None, Some("2330")),
            ("STOCK_DAY_2330_202601", None, Some("2330")),
            ("x", Some("0050"), Some("0050")),
            ("prices", None, None),
        ] {
            assert_eq!(facts(stem, given).symbol().ok(), symbol, "{stem}");
        }
        let long = Origin { stem: None, symbol: Some("012345678901234567890") };
        assert!(Facts::of(&PRICES, long).is_err(), "a column of 20");
        assert!(Facts::default().symbol().is_err());
    }

    #[test]
    fn titles_and_names_must_agree() {
        let title = |stem: &str, given, text: &str| {
            let mut facts = facts(stem, given);
            facts.add_title(text).map(|is_title| (is_title, facts)).map_err(|problem| problem.to_string())
        };
        let month = "115年01月 2317 鴻海               各日成交資訊";
        let (is_title, found) = title("download", None, month).expect("sound");
        assert_eq!((is_title, found.symbol().ok()), (true, Some("2317")));
        assert!(title("2317", Some("2317"), month).is_ok());
        for (stem, given) in [
            ("2330", None),
            ("2330_title_says_2317", None),
            ("STOCK_DAY_2330_202601", None),
            ("x", Some("2330")),
        ] {
            let refused = title(stem, given, month).expect_err(stem);
            assert!(refused.contains("2317") && refused.contains("2330"), "{refused}");
        }
        let day = "115年01月05日 價格指數(臺灣證券交易所)";
        let (_, found) = title("MI_INDEX", None, day).expect("sound");
        assert_eq!(found.day().ok(), Some(date(2026, 1, 5)));
        assert!(title("MI_INDEX_20260106", None, day).is_err());
        for text in ["說明:", "2330", "符號說明:+/-/X表示漲/跌/不比價"] {
            assert!(matches!(title("x", None, text), Ok((false, _))), "{text}");
        }
    }

    #[test]
    fn a_market_is_not_one_symbol() {
        for stem in ["2330", "2330_202601", "STOCK_DAY_2330_202601"] {
            assert!(facts(stem, None).market_day().is_err(), "{stem}");
        }
        for stem in ["market_20180227", "MI_INDEX_20260105", "20260105", "2330_mi_index", "all"] {
            assert!(facts(stem, None).market_day().is_ok(), "{stem}");
        }
        assert!(facts("market_20180227", Some("2330")).market_day().is_err());
    }
}
