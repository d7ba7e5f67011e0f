//! Files into typed records, in flat memory, whatever is in the file.
//!
//! An [`Input`] is a file whose container and header have proved sound; its records are read one by one, each
//! either a [`Record`] or a [`Reject`] with its line and its reason. What becomes of a record, and everything
//! that needs a database to be known, is decided elsewhere: no database enters here.

use std::fmt;
use std::path::Path;
use std::str::FromStr;
use std::sync::Arc;

pub mod container;
pub mod csv;
pub mod record;
pub mod shift;

mod columns;
mod fields;
mod rejects;
mod twse;

#[cfg(test)]
mod real_data;

pub use container::{ContainerError, Problem};
pub use fields::Reject;
pub use record::{Noun, Record};
pub use rejects::RejectsFile;

use columns::Columns;
use container::Source;
use csv::{RawRecord, RecordReader};
use twse::Shape;

/// How a file is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// CSV with the column names of the data model.
    Csv,
    /// The Taiwan Stock Exchange's own files, for prices only.
    Twse,
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Csv => "csv",
            Self::Twse => "twse",
        })
    }
}

/// The text names no format.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("expected csv or twse")]
pub struct BadFormat;

impl FromStr for Format {
    type Err = BadFormat;

    fn from_str(text: &str) -> Result<Self, BadFormat> {
        match text {
            "csv" => Ok(Self::Csv),
            "twse" => Ok(Self::Twse),
            _ => Err(BadFormat),
        }
    }
}

/// What the file itself may not say.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// The format; prices find it out by the first line when it is not given.
    pub format: Option<Format>,
    /// The symbol of an exchange's file of one symbol, instead of the one in the file's name.
    pub symbol: Option<String>,
}

/// A file that can be imported.
#[derive(Debug)]
pub struct Input {
    source: Source,
    layout: Arc<Layout>,
    stem: Option<String>,
    symbol: Option<String>,
}

#[derive(Debug)]
enum Layout {
    Columns(Columns),
    /// The exchange's CSV, with a header or without.
    Exchange {
        layout: twse::Layout,
        header: bool,
    },
    Reply,
}

impl Input {
    /// Opens `path` (`-` is standard input), reads it through once and then its header, so that nothing of
    /// a damaged file, or of one that is of something else, is ever let in.
    pub fn open(noun: Noun, path: &Path, options: &Options) -> Result<Self, ContainerError> {
        let source = Source::open(path)?;
        let stem = (path.as_os_str() != "-").then(|| stem(path)).flatten();
        let mut reader = RecordReader::new(source.text()?);
        let layout = match reader.read() {
            Ok(Some(first)) => layout(noun, &first, stem.as_deref(), options),
            Ok(None) => Err(Problem::Empty),
            Err(error) => return Err(source.error(error)),
        };
        let input = Self {
            layout: Arc::new(layout.map_err(|problem| source.refuse(problem))?),
            source,
            stem,
            symbol: options.symbol.clone(),
        };
        // A reply is sound or damaged as a whole, like a container.
        if matches!(*input.layout, Layout::Reply) {
            input.records()?;
        }
        Ok(input)
    }

    /// The file as the caller named it, or `standard input`.
    pub fn name(&self) -> &str {
        self.source.name()
    }

    /// Bytes of the underlying file, compressed when it is.
    pub fn bytes(&self) -> u64 {
        self.source.bytes()
    }

    /// How many of [`Input::bytes`] the latest pass over the records has read.
    pub fn consumed(&self) -> u64 {
        self.source.consumed()
    }

    /// The records from the first one. Passes are independent of each other and of the input's life.
    pub fn records(&self) -> Result<Records, ContainerError> {
        let text = self.source.text()?;
        let (stem, symbol) = (self.stem.as_deref(), self.symbol.as_deref());
        let rows = match &*self.layout {
            Layout::Reply => twse::reply(text, stem, symbol)
                .map_err(|error| self.source.error(error))?
                .map(|rows| Rows::Reply(rows.into_iter()))
                .map_err(|problem| self.source.refuse(problem))?,
            layout => {
                let mut reader = RecordReader::new(text);
                if !matches!(layout, Layout::Exchange { header: false, .. }) {
                    reader.read().map_err(|error| self.source.error(error))?;
                }
                Rows::Csv(Box::new(reader))
            }
        };
        Ok(Records { source: self.source.clone(), layout: Arc::clone(&self.layout), rows, over: false })
    }
}

fn layout(
    noun: Noun,
    first: &RawRecord<'_>,
    stem: Option<&str>,
    options: &Options,
) -> Result<Layout, Problem> {
    let exchange = |why: &str| Err(Problem::Exchange(why.to_owned()));
    if noun != Noun::Prices && options.format == Some(Format::Twse) {
        return exchange("the exchange's files hold prices, nothing else");
    }
    let shape = match options.format {
        Some(Format::Csv) => None,
        Some(Format::Twse) => Some(Shape::of(first).unwrap_or(Shape::Symbol)),
        None if noun != Noun::Prices || has_columns(noun, first) => None,
        None => match Shape::of(first) {
            Some(shape) => Some(shape),
            None if first.fault.is_some() => None,
            None => return exchange("neither a header line of prices nor a file of the exchange"),
        },
    };
    let symbol = options.symbol.as_deref();
    Ok(match shape {
        None if symbol.is_some() => {
            return exchange("a symbol can be given only for the exchange's files of one symbol");
        }
        None => Layout::Columns(Columns::read(noun, first).map_err(Problem::Header)?),
        Some(Shape::Symbol) => {
            Layout::Exchange { layout: twse::Layout::one_symbol(stem, symbol)?, header: false }
        }
        Some(Shape::Day) => {
            Layout::Exchange { layout: twse::Layout::one_day(first, stem, symbol)?, header: true }
        }
        Some(Shape::Reply) => Layout::Reply,
    })
}

/// One known name is enough: the others are then misspelt, and their names belong into the error.
fn has_columns(noun: Noun, first: &RawRecord<'_>) -> bool {
    let mut names = first.fields();
    names.any(|name| columns::is_column(noun, &columns::plain(name)))
}

/// The file's name without its directory, `.gz` and its other extension.
fn stem(path: &Path) -> Option<String> {
    let name = path.file_name()?.to_str()?;
    let (bare, extension) = name.rsplit_once('.').unwrap_or((name, ""));
    let name = if extension.eq_ignore_ascii_case("gz") { bare } else { name };
    Some(name.rsplit_once('.').map_or(name, |(stem, _)| stem).to_owned())
}

/// One record of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// The physical line, from 1, on which it begins in the decompressed text.
    pub line: u64,
    /// Its original text, the first [`csv::RAW_LIMIT`] bytes of it.
    pub raw: String,
    /// What it holds, or why it is not let in.
    pub result: Result<Record, Reject>,
}

/// The records of an [`Input`], in the file's order. An error is the last item.
pub struct Records {
    source: Source,
    layout: Arc<Layout>,
    rows: Rows,
    over: bool,
}

enum Rows {
    Csv(Box<RecordReader>),
    Reply(std::vec::IntoIter<twse::ReplyRow>),
}

impl Iterator for Records {
    type Item = Result<Item, ContainerError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.over {
            return None;
        }
        let reader = match &mut self.rows {
            Rows::Csv(reader) => reader,
            Rows::Reply(rows) => {
                let (line, raw, price) = rows.next()?;
                let result = price.map(Record::Price);
                return Some(Ok(Item { line, raw, result }));
            }
        };
        match reader.read() {
            Ok(Some(raw)) => Some(Ok(Item {
                line: raw.line,
                raw: raw.raw(),
                result: match &*self.layout {
                    Layout::Columns(columns) => columns.record(&raw),
                    Layout::Exchange { layout, .. } => layout.record(&raw).map(Record::Price),
                    Layout::Reply => Err(Reject::because(&"a reply has no lines")),
                },
            })),
            Ok(None) => {
                self.over = true;
                None
            }
            Err(error) => {
                self.over = true;
                Some(Err(self.source.error(error)))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::record::StockRef;
    use super::*;

    fn open(file: &str, text: &str, options: &Options) -> Result<Vec<Item>, String> {
        open_as(Noun::Prices, file, text, options)
    }

    fn open_as(noun: Noun, file: &str, text: &str, options: &Options) -> Result<Vec<Item>, String> {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join(file);
        std::fs::write(&path, text).expect("disk");
        let input = Input::open(noun, &path, options).map_err(|error| error.problem.to_string())?;
        let read = || -> Result<Vec<Item>, String> {
            let items = input.records().expect("sound text");
            items.map(|item| item.map_err(|error| error.to_string())).collect()
        };
        let first = read();
        assert_eq!(first, read(), "a second pass differs");
        first
    }

    fn price(item: &Item) -> (&StockRef, String) {
        match &item.result {
            Ok(Record::Price(price)) => (&price.stock, price.trade_date.to_string()),
            other => panic!("{other:?}"),
        }
    }

    /// The first record of a file without a header is not a header.
    #[test]
    fn the_format_of_prices_is_found_out() {
        let row = "107/03/01,1,2,3.0,3.0,3.0,3.0,X0.00,4\r\n";
        let items = open("0050.csv", row, &Options::default()).expect("one symbol");
        let symbol = StockRef::Symbol("0050".to_owned());
        assert_eq!(price(&items[0]), (&symbol, "2018-03-01".to_owned()));
        assert_eq!((items[0].line, items[0].raw.as_str()), (1, row.trim_end()));

        let items = open("p.csv", "SYMBOL,trade_date\n0050,2018-03-01\n", &Options::default());
        let items = items.expect("a header");
        assert_eq!(items.len(), 1);
        assert_eq!(price(&items[0]), (&symbol, "2018-03-01".to_owned()));
        assert_eq!(items[0].line, 2);

        let misspelt = open("p.csv", "symbol,trade_day\n", &Options::default());
        let expected = "header line: unknown column \"trade_day\", missing column \"trade_date\"";
        assert_eq!(misspelt, Err(expected.to_owned()));
        for text in ["hello\n", "2018/03/01,1,2,3.0,3.0,3.0,3.0,X0.00,4\n"] {
            let refused = open("0050.csv", text, &Options::default()).expect_err(text);
            assert!(refused.starts_with("neither"), "{refused}");
        }
    }

    /// A last line that may be cut, of the one shape whose first line is also a record.
    #[test]
    fn half_a_row_is_never_let_in() {
        let items = open("0050.csv", "107/03/01,1,2,3.0,3.0,3.0,3.0,X0.00,4", &Options::default());
        let reject = items.expect("one symbol")[0].result.clone().expect_err("it may be cut");
        assert_eq!(reject.reason, "the file ends in the middle of a line");
        let refused = open("p.csv", "symbol,trade_date", &Options::default());
        let expected = "header line: the file ends in the middle of a line";
        assert_eq!(refused, Err(expected.to_owned()));
    }

    #[test]
    fn an_option_that_does_not_fit_is_refused() {
        let symbol = Options { symbol: Some("0050".to_owned()), ..Options::default() };
        let twse = Options { format: Some(Format::Twse), ..Options::default() };
        let likes = "user_id,post_id\n1,2\n";
        assert!(open("p.csv", "symbol,trade_date\n", &symbol).is_err());
        assert!(open_as(Noun::Likes, "l.csv", likes, &symbol).is_err());
        assert!(open_as(Noun::Likes, "l.csv", likes, &twse).is_err());
        assert!(open_as(Noun::Likes, "l.csv", likes, &Options::default()).is_ok());
        assert!(open_as(Noun::Likes, "l.csv", "\r\n\n", &Options::default()).is_err());
    }

    #[test]
    fn a_stem_has_no_extensions() {
        for (path, expected) in
            [("a/0050.csv", "0050"), ("0050.csv.gz", "0050"), ("0050.GZ", "0050"), ("0050", "0050")]
        {
            assert_eq!(stem(Path::new(path)).as_deref(), Some(expected), "{path}");
        }
    }
}
