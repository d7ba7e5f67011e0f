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

use container::Source;
use csv::{RawRecord, RecordReader};
use header::{Header, normalized};
use twse::{Origin, Shape};

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
    /// CSV of the exchange, with a header or without.
    Exchange {
        layout: twse::Layout,
        header: bool,
    },
    /// A reply of the exchange, read whole.
    Reply(Vec<twse::ReplyRow>),
}

impl Input {
    /// Opens `path` (`-` is standard input), reads it through once and then its header. An error means that no record of
    /// the file is let in.
    pub fn open(noun: &'static Noun, path: &Path, options: &Options) -> Result<Self, ContainerError> {
        let source = Source::open(path)?;
        let stem = (path.as_os_str() != "-").then(|| stem(path)).flatten();
        let origin = Origin { stem: stem.as_deref(), symbol: options.symbol.as_deref() };
        let mut reader = RecordReader::new(source.text()?);
        let shape = match reader.read() {
            Ok(Some(first)) => shape(noun, &first, options).and_then(|shape| match shape {
                None => Header::read(noun, &first).map(Layout::Columns).map_err(Problem::Header).map(Some),
                Some(Shape::Symbol) => {
                    let layout = twse::Layout::one_symbol(noun, origin)?;
                    Ok(Some(Layout::Exchange { layout, header: false }))
                }
                Some(Shape::Day) => {
                    let layout = twse::Layout::one_day(noun, &first, origin)?;
                    Ok(Some(Layout::Exchange { layout, header: true }))
                }
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
        if matches!(*self.layout, Layout::Columns(_) | Layout::Exchange { header: true, .. }) {
            reader.read().map_err(|error| self.source.error(error))?;
        }
        Ok(Records {
            source: self.source.clone(),
            layout: Arc::clone(&self.layout),
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
        Some(Format::Twse) => Some(Shape::detect(first).unwrap_or(Shape::Symbol)),
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
        let raw = match &*self.layout {
            Layout::Reply(rows) => {
                let (line, raw, result) = rows.get(self.next)?.clone();
                self.next += 1;
                return Some(Ok(Item { line, raw, result }));
            }
            Layout::Columns(_) | Layout::Exchange { .. } => self.reader.read(),
        };
        let item = match raw {
            Ok(Some(raw)) => {
                let result = match &*self.layout {
                    Layout::Columns(header) => header.record(&raw),
                    Layout::Exchange { layout, .. } => layout.record(&raw),
                    Layout::Reply(_) => return None,
                };
                return Some(Ok(Item { line: raw.line, raw: raw.raw(), result }));
            }
            Ok(None) => None,
            Err(error) => Some(Err(self.source.error(error))),
        };
        self.over = true;
        item
    }
}
