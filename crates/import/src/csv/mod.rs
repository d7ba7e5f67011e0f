//! CSV records in bounded memory, however large, cut or misquoted the file is.
//!
//! `csv-core` splits and unquotes. It accepts text after a closing quote and other mistakes, which lets records swallow each
//! other, so `Grammar` follows the same bytes and reports a record that cannot be trusted.

use std::io::{self, BufRead};

use csv_core::{ReadRecordResult, Reader, ReaderBuilder, Terminator};

use super::container::Text;
use grammar::Grammar;
use size::Size;

mod grammar;
mod size;
#[cfg(test)]
mod tests;

pub use size::{FIELD_LIMIT, RECORD_LIMIT};

/// How much of a record's original text is kept for the rejects file, in bytes.
pub const RAW_LIMIT: usize = 4 * 1024;
const FIRST_OUTPUT: usize = 64 * 1024;

/// Why the fields of a record cannot be trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// One field is larger than [`FIELD_LIMIT`].
    #[error("a field of {0} bytes is over the limit of {FIELD_LIMIT}")]
    FieldTooLong(usize),
    /// The fields together are larger than [`RECORD_LIMIT`].
    #[error("a record of {0} bytes is over the limit of {RECORD_LIMIT}")]
    RecordTooLong(usize),
    /// There are more fields than any table has columns.
    #[error("a record of {0} fields is over the limit of {limit}", limit = size::COLUMN_LIMIT)]
    TooManyFields(usize),
    /// The file ended inside quotes.
    #[error("the quote opened in the record that begins at line {0} is never closed")]
    NeverClosed(u64),
    /// The file ended before the line did, so the last value may be cut.
    #[error("the file ends in the middle of a line")]
    Cut,
    /// A quote does not end its field: the quotes of this record and perhaps of others do not pair up.
    #[error("text follows the closing quote on line {0}")]
    TextAfterQuote(u64),
}

/// One record, borrowed from the reader until the next is read.
#[derive(Clone, Copy, Debug)]
pub struct RawRecord<'a> {
    /// The physical line, from 1, on which it begins.
    pub line: u64,
    /// Set when the fields cannot be trusted.
    pub fault: Option<Fault>,
    raw: &'a [u8],
    values: &'a [u8],
    ends: &'a [usize],
}

impl<'a> RawRecord<'a> {
    /// Returns the number of fields; 0 when there is a fault.
    pub fn width(&self) -> usize {
        self.ends.len()
    }

    /// Returns the field at `index`, unquoted. Returns `None` past the last field, and for a field that is not UTF-8, which
    /// happens only when the file changed after it was checked.
    fn field(&self, index: usize) -> Option<&'a str> {
        let end = *self.ends.get(index)?;
        let start = index.checked_sub(1).map_or(0, |before| self.ends[before]);
        std::str::from_utf8(self.values.get(start..end)?).ok()
    }

    /// Returns all fields in order.
    pub fn fields(&self) -> impl Iterator<Item = &'a str> {
        let record = *self;
        (0..self.width()).map(move |index| record.field(index).unwrap_or_default())
    }

    /// Returns the first [`RAW_LIMIT`] bytes of the original text without its line end.
    pub fn raw(&self) -> String {
        let whole = self.raw.utf8_chunks().next().map_or("", |chunk| chunk.valid());
        whole.to_owned()
    }
}

/// Reads one record after another.
pub struct RecordReader {
    text: Text,
    core: Reader,
    grammar: Grammar,
    line: u64,
    values: Vec<u8>,
    ends: Vec<usize>,
    raw: Vec<u8>,
    size: Size,
}

impl RecordReader {
    /// Creates a reader at the start of `text`.
    pub fn new(text: Text) -> Self {
        Self {
            text,
            // A lone carriage return is content: only `\n` ends a record, and [`Grammar`] tells whether the `\r` before
            // it belongs to the line end.
            core: ReaderBuilder::new().terminator(Terminator::Any(b'\n')).build(),
            grammar: Grammar::default(),
            line: 1,
            values: vec![0; FIRST_OUTPUT],
            ends: vec![0; size::COLUMN_LIMIT + 1],
            raw: Vec::with_capacity(RAW_LIMIT),
            size: Size::default(),
        }
    }

    /// Reads the next record that is not a blank line. Returns `None` at the end of the text.
    pub fn read(&mut self) -> io::Result<Option<RawRecord<'_>>> {
        loop {
            self.skip_empty_lines()?;
            let line = self.line;
            self.grammar = Grammar::default();
            self.raw.clear();
            self.size = Size::default();
            let complete = self.fill()?;
            if !complete && self.raw.is_empty() {
                return Ok(None);
            }
            if complete {
                self.raw.truncate(self.raw.len().min(self.grammar.length));
                if self.grammar.length == 0 {
                    continue;
                }
            }
            let fault = self.fault(line, complete);
            let ends = if fault.is_some() { 0 } else { self.size.fields() };
            return Ok(Some(RawRecord {
                line,
                fault,
                raw: &self.raw,
                values: &self.values,
                ends: &self.ends[..ends],
            }));
        }
    }

    fn skip_empty_lines(&mut self) -> io::Result<()> {
        while self.text.fill_buf()?.first() == Some(&b'\n') {
            self.text.consume(1);
            self.line += 1;
        }
        Ok(())
    }

    /// Parses to the end of the record; returns false when the text ends first. Output over a limit is overwritten: parsing
    /// goes on to the next record without keeping what is rejected.
    fn fill(&mut self) -> io::Result<bool> {
        let (mut written, mut ended) = (0, 0);
        loop {
            let chunk = self.text.fill_buf()?;
            if chunk.is_empty() {
                return Ok(false);
            }
            let (result, read, wrote, fields) =
                self.core.read_record(chunk, &mut self.values[written..], &mut self.ends[ended..]);
            let seen = &chunk[..read];
            self.line += self.grammar.follow(seen, self.line);
            let room = RAW_LIMIT - self.raw.len();
            self.raw.extend_from_slice(&seen[..read.min(room)]);
            self.size.add(wrote, &self.ends[ended..ended + fields]);
            self.text.consume(read);
            written += wrote;
            ended += fields;
            if matches!(result, ReadRecordResult::Record) {
                self.drop_carriage_return(ended);
                return Ok(true);
            }
            if self.size.fault().is_some() {
                (written, ended) = (0, 0);
            } else if matches!(result, ReadRecordResult::OutputFull) {
                self.values.resize(self.values.len() * 2, 0);
            }
        }
    }

    /// Takes the `\r` of a `\r\n` out of the last field.
    fn drop_carriage_return(&mut self, ended: usize) {
        if self.grammar.crlf
            && let Some(end) = ended.checked_sub(1).and_then(|last| self.ends.get_mut(last))
        {
            *end = end.saturating_sub(1);
        }
    }

    fn fault(&self, line: u64, complete: bool) -> Option<Fault> {
        if complete {
            return self.size.fault().or(self.grammar.broken_on.map(Fault::TextAfterQuote));
        }
        Some(if self.grammar.in_quotes() { Fault::NeverClosed(line) } else { Fault::Cut })
    }
}
