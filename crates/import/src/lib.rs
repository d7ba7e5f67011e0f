//! Reads files into records, in bounded memory.
//!
//! An [`Input`] is a file whose container and header were checked. Its records are read one by one, each either a
//! [`Record`] or a [`Reject`] with its line and its reason. Everything that needs a database is decided elsewhere.

use std::fmt;
use std::path::Path;
use std::str::FromStr;
use std::sync::Arc;

pub mod container;
pub mod csv;
pub mod record;
pub mod shift;
pub mod spreadsheet;

mod fields;
mod header;
mod noun;
mod rejects;
mod skew;
mod symbol;
mod twse;

#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;

pub use container::{ContainerError, Problem};
pub use fields::Reject;
pub use noun::{Noun, Parent};
pub use record::Record;
pub use rejects::RejectsFile;
pub use skew::future_reason;

use container::Source;
use csv::{RawRecord, RecordReader};
use header::{Header, normalized};
use twse::{Origin, Shape, Sheet};

/// The format of a file.
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

/// The text is not the name of a format.
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

/// Facts about a file that it may not contain.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// The format. Without it the first line of a file of prices decides.
    pub format: Option<Format>,
    /// The symbol of an exchange's file of one symbol, instead of the one in the file's name.
    pub symbol: Option<String>,
    /// Whether the file has the columns of a platform's own archive.
    pub archived: bool,
}

/// A file that can be imported.
#[derive(Debug)]
pub struct Input {
    source: Source,
    layout: Arc<Layout>,
}

#[derive(Debug)]
enum Layout {
    Columns(Header),
    /// CSV of the exchange.
    Exchange(Exchange),
    /// A reply of the exchange, read whole.
    Reply(Vec<twse::ReplyRow>),
}

/// CSV of the exchange: what its name and the caller tell of it.
#[derive(Debug)]
struct Exchange {
    noun: &'static Noun,
    stem: Option<String>,
    symbol: Option<String>,
    headerless: bool,
}

impl Exchange {
    fn sheet(&self) -> Result<Sheet, Problem> {
        let origin = Origin { stem: self.stem.as_deref(), symbol: self.symbol.as_deref() };
        Sheet::new(self.noun, origin, self.headerless)
    }

    /// Reads the file through once, so that nothing of one that contradicts itself is let in.
    fn check(&self, source: &Source) -> Result<(), ContainerError> {
        let mut sheet = self.sheet().map_err(|problem| source.reject(problem))?;
        let mut reader = RecordReader::new(source.text()?);
        while let Some(raw) = reader.read().map_err(|error| source.error(error))? {
            sheet.line(&raw).map_err(|problem| source.reject(problem))?;
        }
        sheet.finish().map_err(|problem| source.reject(problem))
    }
}

impl Input {
    /// Opens `path` (`-` is standard input), reads it through once and then its header. An error means that no record of
    /// the file is let in.
    pub fn open(noun: &'static Noun, path: &Path, options: &Options) -> Result<Self, ContainerError> {
        let source = Source::open(path, noun.exchange_files)?;
        let stem = (path.as_os_str() != "-").then(|| stem(path)).flatten();
        let origin = Origin { stem: stem.as_deref(), symbol: options.symbol.as_deref() };
        let mut reader = RecordReader::new(source.text()?);
        let exchange = |headerless| {
            let (stem, symbol) = (stem.clone(), options.symbol.clone());
            Some(Layout::Exchange(Exchange { noun, stem, symbol, headerless }))
        };
        let shape = match reader.read() {
            Ok(Some(first)) => shape(noun, &first, options).and_then(|shape| match shape {
                None => Header::read(noun, &first, options.archived)
                    .map(Layout::Columns)
                    .map_err(Problem::Header)
                    .map(Some),
                Some(Shape::Headerless) => Ok(exchange(true)),
                Some(Shape::Sheet) => Ok(exchange(false)),
                Some(Shape::Reply) => Ok(None),
            }),
            Ok(None) => Err(Problem::Empty),
            Err(error) => return Err(source.error(error)),
        };
        let layout = if let Some(layout) = shape.map_err(|problem| source.reject(problem))? {
            layout
        } else {
            let rows = twse::read_reply(noun, source.text()?, origin).map_err(|error| source.error(error))?;
            Layout::Reply(rows.map_err(|problem| source.reject(problem))?)
        };
        if let Layout::Exchange(exchange) = &layout {
            exchange.check(&source)?;
        }
        Ok(Self { source, layout: Arc::new(layout) })
    }

    /// Returns the file as the caller named it, or `standard input`.
    pub fn name(&self) -> &str {
        self.source.name()
    }

    /// Returns the bytes of the underlying file, compressed if it is.
    pub fn bytes(&self) -> u64 {
        self.source.bytes()
    }

    /// Returns how many of [`Input::bytes`] the latest pass over the records has read.
    pub fn consumed(&self) -> u64 {
        self.source.consumed()
    }

    /// Returns the records from the first one. Passes are independent of each other and may outlive the input.
    pub fn records(&self) -> Result<Records, ContainerError> {
        let mut reader = RecordReader::new(self.source.text()?);
        let sheet = match &*self.layout {
            Layout::Columns(_) => {
                reader.read().map_err(|error| self.source.error(error))?;
                None
            }
            Layout::Exchange(exchange) => {
                Some(exchange.sheet().map_err(|problem| self.source.reject(problem))?)
            }
            Layout::Reply(_) => None,
        };
        Ok(Records {
            source: self.source.clone(),
            layout: Arc::clone(&self.layout),
            sheet,
            reader,
            next: 0,
            over: false,
        })
    }
}

/// Returns the shape of an exchange's file, or `None` for CSV with the columns of the data model.
fn shape(noun: &Noun, first: &RawRecord<'_>, options: &Options) -> Result<Option<Shape>, Problem> {
    let exchange = |why: &str| Err(Problem::Exchange(why.to_owned()));
    if !noun.exchange_files && options.format == Some(Format::Twse) {
        return exchange("files of the exchange hold prices only");
    }
    let shape = match options.format {
        Some(Format::Csv) => None,
        Some(Format::Twse) => Some(Shape::detect(first).unwrap_or(Shape::Sheet)),
        None if !noun.exchange_files || has_columns(noun, first) => None,
        None => match Shape::detect(first) {
            None if first.fault.is_none() => {
                return exchange("neither a header line of prices nor a file of the exchange");
            }
            shape => shape,
        },
    };
    if shape.is_none() && options.symbol.is_some() {
        return exchange("a symbol can be given only for the exchange's files of one symbol");
    }
    Ok(shape)
}

/// Returns whether one column name is known: the others are then misspelt, and belong into the error.
fn has_columns(noun: &Noun, first: &RawRecord<'_>) -> bool {
    first.fields().any(|name| noun.place(&normalized(name)).is_some())
}

/// Returns the file's name without its directory, `.gz` and its other extension.
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
    /// The first [`csv::RAW_LIMIT`] bytes of its original text.
    pub raw: String,
    /// The record, or why it is rejected.
    pub result: Result<Record, Reject>,
}

/// The records of an [`Input`], in the file's order. An error is the last item.
pub struct Records {
    source: Source,
    layout: Arc<Layout>,
    /// The tables of an exchange's CSV.
    sheet: Option<Sheet>,
    reader: RecordReader,
    /// The next row of a reply.
    next: usize,
    over: bool,
}

impl Iterator for Records {
    type Item = Result<Item, ContainerError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.over {
            return None;
        }
        if let Layout::Reply(rows) = &*self.layout {
            let (line, raw, result) = rows.get(self.next)?.clone();
            self.next += 1;
            return Some(Ok(Item { line, raw, result }));
        }
        let item = loop {
            let raw = match self.reader.read() {
                Ok(Some(raw)) => raw,
                Ok(None) => break None,
                Err(error) => break Some(Err(self.source.error(error))),
            };
            let read = match (&*self.layout, &mut self.sheet) {
                (Layout::Columns(header), _) => Some(header.record(&raw)),
                (Layout::Exchange(_), Some(sheet)) => match sheet.line(&raw) {
                    Ok(read) => read,
                    Err(problem) => break Some(Err(self.source.reject(problem))),
                },
                (Layout::Exchange(_) | Layout::Reply(_), _) => break None,
            };
            if let Some(result) = read {
                return Some(Ok(Item { line: raw.line, raw: raw.raw(), result }));
            }
        };
        self.over = true;
        item
    }
}
