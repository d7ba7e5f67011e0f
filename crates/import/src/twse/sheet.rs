//! CSV of the exchange: titles, notes and several tables in one file, of which only those of daily prices are read.

use super::container::Problem;
use super::csv::{Fault, RawRecord};
use super::fields::Reject;
use super::names::{Facts, Origin};
use super::symbol::unwrapped;
use super::values::minguo_date;
use super::{DATE, Layout, Noun, Record, SYMBOL, normalized};

/// A reader of the lines of one file.
#[derive(Debug)]
pub struct Sheet {
    noun: &'static Noun,
    facts: Facts,
    /// The table of prices that the last header began.
    table: Option<Layout>,
    /// The number of tables of prices so far.
    tables: usize,
    /// Whether a title, a note or a blank line was the last line, after which another table may begin.
    after_gap: bool,
    /// The fault of a header that resembles one of prices.
    header_fault: Option<Problem>,
}

impl Sheet {
    /// Returns a reader. With `headerless`, the file is one table of one symbol without a header.
    pub fn new(noun: &'static Noun, origin: Origin<'_>, headerless: bool) -> Result<Self, Problem> {
        let facts = Facts::of(noun, origin)?;
        let table = headerless.then(|| Layout::headerless(noun, &facts)).transpose()?;
        let tables = usize::from(table.is_some());
        Ok(Self { noun, facts, table, tables, after_gap: true, header_fault: None })
    }

    /// Reads one line. Returns `None` for one that is no price: a title, a header, a note, or a line of another table.
    ///
    /// # Errors
    /// The file contradicts itself or its name.
    pub fn line(&mut self, raw: &RawRecord<'_>) -> Result<Option<Result<Record, Reject>>, Problem> {
        if let Some(fault) = raw.fault {
            // The last note of a file may have no line end.
            let is_note = fault == Fault::Cut && is_note(raw.raw().trim_start_matches('"'));
            return Ok((!is_note).then(|| Err(Reject::because(&fault))));
        }
        let fields: Vec<&str> = raw.fields().map(unwrapped).collect();
        let filled = fields.iter().rposition(|field| !field.trim().is_empty()).map_or(0, |last| last + 1);
        if filled == 0 || (filled == 1 && self.is_gap(fields[0])?) {
            self.after_gap = true;
            return Ok(None);
        }
        if self.header(&fields[..filled])? {
            return Ok(None);
        }
        let Some(table) = &self.table else { return Ok(None) };
        let fits =
            fields.len() == table.width() || (fields.len() == table.width() + 1 && filled < fields.len());
        if !fits && self.after_gap && !looks_like_price(fields[0]) {
            self.table = None;
            return Ok(None);
        }
        self.after_gap = false;
        Ok(Some(if fits {
            table.price(&fields[..table.width()])
        } else {
            Err(Reject::width(table.width(), fields.len()))
        }))
    }

    /// Checks, after the last line, that there was a table of prices.
    pub fn finish(self) -> Result<(), Problem> {
        if self.tables > 0 {
            return Ok(());
        }
        let none = || Problem::Exchange("there is no table of daily prices in it".to_owned());
        Err(self.header_fault.unwrap_or_else(none))
    }

    /// Returns whether the only field of a line is a title or a note.
    fn is_gap(&mut self, text: &str) -> Result<bool, Problem> {
        Ok(self.facts.add_title(text)? || is_note(text))
    }

    /// Begins a table if the line is a header. Returns whether it is.
    fn header(&mut self, fields: &[&str]) -> Result<bool, Problem> {
        let names: Vec<String> = fields.iter().map(|name| normalized(name)).collect();
        let has = |wanted: &str| names.iter().any(|name| name == wanted);
        let table = if has(SYMBOL) {
            Layout::of_day(self.noun, names, &self.facts)
        } else if names[0] == DATE {
            Layout::of_symbol(self.noun, names, &self.facts)
        } else {
            return Ok(false);
        };
        match table {
            Ok(table) => {
                (self.table, self.after_gap) = (Some(table), false);
                self.tables += 1;
            }
            // Other tables of the exchange have symbols or days too.
            Err(fault @ Problem::Header(_)) => {
                self.table = None;
                self.header_fault.get_or_insert(fault);
            }
            Err(other) => return Err(other),
        }
        Ok(true)
    }
}

/// Returns whether a lone field is a note. A price that was cut begins with a digit.
fn is_note(text: &str) -> bool {
    !text.trim_start().starts_with(|first: char| first.is_ascii_digit() || first == '=')
}

fn looks_like_price(first: &str) -> bool {
    minguo_date(first).is_ok() || first.trim().starts_with(|first: char| first.is_ascii_digit())
}
