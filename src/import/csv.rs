//! CSV records in bounded memory, however large, cut or misquoted the file is.
//!
//! `csv-core` splits and unquotes. It forgives everything, and what it forgives lets rows swallow each other,
//! so a `Watch` looks at the same bytes and says when a record may not be trusted.

use std::io::{self, BufRead};

use csv_core::{ReadRecordResult, Reader, ReaderBuilder, Terminator};

use super::container::Text;

/// Longest field, in bytes after unquoting.
pub const FIELD_LIMIT: usize = 1024 * 1024;
/// Longest record, in bytes after unquoting.
pub const RECORD_LIMIT: usize = 4 * FIELD_LIMIT;
/// How much of a record's original text is kept for the rejects file, in bytes.
pub const RAW_LIMIT: usize = 4 * 1024;
/// Far more columns than any table has.
const COLUMN_LIMIT: usize = 64;
const FIRST_OUTPUT: usize = 64 * 1024;

/// Why a record cannot be trusted, whatever its fields seem to hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// One field is larger than [`FIELD_LIMIT`].
    #[error("a field of {0} bytes is over the limit of {FIELD_LIMIT}")]
    FieldTooLong(usize),
    /// The fields together are larger than [`RECORD_LIMIT`].
    #[error("a record of {0} bytes is over the limit of {RECORD_LIMIT}")]
    RecordTooLong(usize),
    /// More fields than any table has columns.
    #[error("a record of {0} fields is over the limit of {COLUMN_LIMIT}")]
    TooManyFields(usize),
    /// The file ended inside quotes.
    #[error("the quote opened in the record that begins at line {0} is never closed")]
    NeverClosed(u64),
    /// The file ended before the line did, so the last value may be cut.
    #[error("the file ends in the middle of a line")]
    Cut,
    /// A quote that does not end its field: the quotes of this record and perhaps of others do not pair up.
    #[error("text follows the closing quote on line {0}")]
    TextAfterQuote(u64),
}

/// One record, borrowed from the reader until the next is read.
#[derive(Clone, Copy, Debug)]
pub struct RawRecord<'a> {
    /// Physical line, from 1, on which it begins.
    pub line: u64,
    /// Set when the fields may not be used.
    pub fault: Option<Fault>,
    raw: &'a [u8],
    values: &'a [u8],
    ends: &'a [usize],
}

impl<'a> RawRecord<'a> {
    /// How many fields there are; none when there is a fault.
    pub fn width(&self) -> usize {
        self.ends.len()
    }

    /// The field at `index`, unquoted; `None` when there is none, or when it is not UTF-8, which only a
    /// file that was changed since it was checked can bring about.
    pub fn field(&self, index: usize) -> Option<&'a str> {
        let end = *self.ends.get(index)?;
        let start = index.checked_sub(1).map_or(0, |before| self.ends[before]);
        std::str::from_utf8(self.values.get(start..end)?).ok()
    }

    /// All fields in order.
    pub fn fields(&self) -> impl Iterator<Item = &'a str> {
        let record = *self;
        (0..self.width()).map(move |index| record.field(index).unwrap_or_default())
    }

    /// The original text without its line end, the first [`RAW_LIMIT`] bytes of it.
    pub fn raw(&self) -> String {
        let whole = self.raw.utf8_chunks().next().map_or("", |chunk| chunk.valid());
        whole.to_owned()
    }
}

/// Reads one record after another.
pub struct RecordReader {
    text: Text,
    core: Reader,
    watch: Watch,
    line: u64,
    values: Vec<u8>,
    ends: Vec<usize>,
    raw: Vec<u8>,
    size: Size,
}

impl RecordReader {
    /// A reader at the start of `text`.
    pub fn new(text: Text) -> Self {
        Self {
            text,
            // A bare carriage return is content: only `\n` ends a record, and [`Watch`] says
            // whether the `\r` before it belongs to the line end.
            core: ReaderBuilder::new().terminator(Terminator::Any(b'\n')).build(),
            watch: Watch::default(),
            line: 1,
            values: vec![0; FIRST_OUTPUT],
            ends: vec![0; COLUMN_LIMIT + 1],
            raw: Vec::with_capacity(RAW_LIMIT),
            size: Size::default(),
        }
    }

    /// The next record that is not a blank line; `None` at the end of the text.
    pub fn read(&mut self) -> io::Result<Option<RawRecord<'_>>> {
        loop {
            self.skip_empty_lines()?;
            let line = self.line;
            self.watch = Watch::default();
            self.raw.clear();
            self.size = Size::default();
            let complete = self.fill()?;
            if !complete && self.raw.is_empty() {
                return Ok(None);
            }
            if complete {
                self.raw.truncate(self.raw.len().min(self.watch.length));
                if self.watch.length == 0 {
                    continue;
                }
            }
            let fault = self.fault(line, complete);
            let ends = if fault.is_some() { 0 } else { self.size.fields };
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

    /// Parses to the end of the record; false when the text ends first. Output over a limit is overwritten, so
    /// that parsing goes on to where the next record begins without keeping what is refused.
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
            self.line += self.watch.see(seen, self.line);
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
            if self.size.over() {
                (written, ended) = (0, 0);
            } else if matches!(result, ReadRecordResult::OutputFull) {
                self.values.resize(self.values.len() * 2, 0);
            }
        }
    }

    /// Takes the `\r` of a `\r\n` out of the last field.
    fn drop_carriage_return(&mut self, ended: usize) {
        if self.watch.crlf
            && let Some(end) = ended.checked_sub(1).and_then(|last| self.ends.get_mut(last))
        {
            *end = end.saturating_sub(1);
        }
    }

    fn fault(&self, line: u64, complete: bool) -> Option<Fault> {
        if !complete {
            return Some(if self.watch.state == State::Quoted {
                Fault::NeverClosed(line)
            } else {
                Fault::Cut
            });
        }
        self.size.fault().or(self.watch.broken_on.map(Fault::TextAfterQuote))
    }
}

/// The measures of the record so far, kept or not.
#[derive(Debug, Default)]
struct Size {
    total: usize,
    fields: usize,
    field_start: usize,
    longest: usize,
}

impl Size {
    fn add(&mut self, wrote: usize, ends: &[usize]) {
        self.total += wrote;
        self.fields += ends.len();
        for &end in ends {
            self.longest = self.longest.max(end - self.field_start);
            self.field_start = end;
        }
        self.longest = self.longest.max(self.total - self.field_start);
    }

    fn over(&self) -> bool {
        self.longest > FIELD_LIMIT || self.total > RECORD_LIMIT || self.fields > COLUMN_LIMIT
    }

    fn fault(&self) -> Option<Fault> {
        if self.longest > FIELD_LIMIT {
            Some(Fault::FieldTooLong(self.longest))
        } else if self.total > RECORD_LIMIT {
            Some(Fault::RecordTooLong(self.total))
        } else {
            (self.fields > COLUMN_LIMIT).then_some(Fault::TooManyFields(self.fields))
        }
    }
}

/// Where in the grammar of RFC 4180 the last byte left off.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    FieldStart,
    Plain,
    Quoted,
    /// After a quote inside quotes: the first of a pair, or the end of the field.
    Quote,
    /// After a carriage return outside quotes: half a line end, or content.
    Return {
        after_quote: bool,
    },
}

/// Watches the bytes of one record for what `csv-core` forgives.
#[derive(Debug, Default)]
struct Watch {
    state: State,
    /// Bytes of the record without its line end, once it is complete.
    length: usize,
    crlf: bool,
    broken_on: Option<u64>,
}

impl Watch {
    /// Follows `bytes`, of which the first lies on `line`, and returns how many lines end among them.
    fn see(&mut self, bytes: &[u8], line: u64) -> u64 {
        let mut lines = 0;
        for &byte in bytes {
            self.length += 1;
            let after_quote = matches!(self.state, State::Quote | State::Return { after_quote: true });
            self.state = match (self.state, byte) {
                (State::Quoted, b'"') => State::Quote,
                (State::Quoted, _) | (State::FieldStart | State::Quote, b'"') => State::Quoted,
                (State::Return { .. }, b'\n') => {
                    self.length -= 2;
                    self.crlf = true;
                    State::FieldStart
                }
                (_, b'\n') => {
                    self.length -= 1;
                    State::FieldStart
                }
                (State::Return { after_quote: true }, _) => self.broken(line + lines),
                (_, b',') => State::FieldStart,
                (_, b'\r') => State::Return { after_quote },
                (State::Quote, _) => self.broken(line + lines),
                _ => State::Plain,
            };
            lines += u64::from(byte == b'\n');
        }
        lines
    }

    fn broken(&mut self, line: u64) -> State {
        self.broken_on.get_or_insert(line);
        State::Plain
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Seen = (u64, Result<Vec<String>, Fault>);

    fn read(text: &str) -> Vec<Seen> {
        // Three bytes at a time, so that every construct lies across two reads somewhere.
        read_by(3, text.as_bytes().to_vec())
    }

    fn read_by(capacity: usize, bytes: Vec<u8>) -> Vec<Seen> {
        let text = io::BufReader::with_capacity(capacity, io::Cursor::new(bytes));
        let mut reader = RecordReader::new(Box::new(text));
        let mut seen = Vec::new();
        while let Some(record) = reader.read().expect("memory") {
            let fields = record.fields().map(str::to_owned).collect();
            seen.push((record.line, record.fault.map_or(Ok(fields), Err)));
        }
        seen
    }

    fn row(line: u64, fields: &[&str]) -> Seen {
        (line, Ok(fields.iter().map(|&field| field.to_owned()).collect()))
    }

    /// Lines are counted where the record begins, through blank lines and line ends inside quotes.
    #[test]
    fn records_keep_their_content_and_their_line() {
        let seen = read("a,b\r\n\r\n\n1,\"x\r\ny\"\"\n\"\r\n2,\n\"\",\"\r\"\r\n3,p\rq\r\n4,\0\n");
        let expected = [
            row(1, &["a", "b"]),
            row(4, &["1", "x\r\ny\"\n"]),
            row(7, &["2", ""]),
            row(8, &["", "\r"]),
            row(9, &["3", "p\rq"]),
            row(10, &["4", "\0"]),
        ];
        assert_eq!(seen, expected);
    }

    /// A reader that takes the last line as it is lets half a row in.
    #[test]
    fn a_line_without_its_end_is_a_fault() {
        assert_eq!(read("a,b\n1,23"), [row(1, &["a", "b"]), (2, Err(Fault::Cut))]);
        assert_eq!(read("1,\"2\""), [(1, Err(Fault::Cut))]);
        assert_eq!(read("1,2\r"), [(1, Err(Fault::Cut))]);
        assert_eq!(read(""), []);
        assert_eq!(read("\r\n"), []);
    }

    /// Left alone, `csv-core` makes one row of the three here, with the right number of fields.
    #[test]
    fn rows_do_not_swallow_each_other() {
        let seen = read("1,\"x\n2,y\n3,\"z\"\n4,w\n");
        assert_eq!(seen, [(1, Err(Fault::TextAfterQuote(3))), row(4, &["4", "w"])]);
        assert_eq!(read("1,\"x\"\ry\n"), [(1, Err(Fault::TextAfterQuote(1)))]);
        assert_eq!(read("5,6\" nail\n"), [row(1, &["5", "6\" nail"])]);
    }

    #[test]
    fn a_quote_that_is_never_closed_eats_no_memory() {
        let mut bytes = b"1,2\n\n3,\"".to_vec();
        bytes.extend(b"line\n".repeat(RECORD_LIMIT / 2));
        let mut reader = RecordReader::new(Box::new(io::Cursor::new(bytes)));
        reader.read().expect("memory");
        let record = reader.read().expect("memory").expect("a record");
        assert_eq!(record.fault, Some(Fault::NeverClosed(3)));
        assert_eq!(record.raw().len(), RAW_LIMIT);
        assert!(reader.values.len() <= 2 * RECORD_LIMIT);
        assert!(reader.read().expect("memory").is_none());
    }

    /// Reading goes on behind a field that is too long, and a field of exactly the limit is none.
    #[test]
    fn what_is_too_long_is_measured_and_passed_over() {
        let long = |bytes: usize| format!("{}\"\"", "x".repeat(bytes - 1));
        let text = format!(
            "1,\"{}\"\n2,\"{}\"\n{wide}\n{many}\n3,ok\n",
            long(FIELD_LIMIT),
            long(FIELD_LIMIT + 1),
            wide = vec!["y".repeat(FIELD_LIMIT); 5].join(","),
            many = ",".repeat(150),
        );
        // The read ends where the field has reached the limit and nothing says yet that it ends there.
        let exact = "x".repeat(FIELD_LIMIT);
        let seen = read_by(2 + FIELD_LIMIT, format!("1,{exact}\n").into_bytes());
        assert_eq!(seen, [row(1, &["1", &exact])]);
        let seen = read_by(8192, text.into_bytes());
        assert_eq!(seen[0].1.as_ref().map(|fields| fields[1].len()), Ok(FIELD_LIMIT));
        assert_eq!(
            seen[1..],
            [
                (2, Err(Fault::FieldTooLong(FIELD_LIMIT + 1))),
                (3, Err(Fault::RecordTooLong(5 * FIELD_LIMIT))),
                (4, Err(Fault::TooManyFields(151))),
                row(5, &["3", "ok"]),
            ]
        );
    }
}
