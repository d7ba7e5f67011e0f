//! The limits of a record.

use super::Fault;

/// Longest field, in bytes after unquoting.
pub const FIELD_LIMIT: usize = 1024 * 1024;
/// Longest record, in bytes after unquoting.
pub const RECORD_LIMIT: usize = 4 * FIELD_LIMIT;
/// Most fields of a record, far more than any table has columns.
pub const COLUMN_LIMIT: usize = 64;

/// The size of the record so far, kept or not.
#[derive(Debug, Default)]
pub struct Size {
    total: usize,
    fields: usize,
    field_start: usize,
    longest: usize,
}

impl Size {
    /// Adds `wrote` bytes of output, in which fields end at `ends`.
    pub fn add(&mut self, wrote: usize, ends: &[usize]) {
        self.total += wrote;
        self.fields += ends.len();
        for &end in ends {
            self.longest = self.longest.max(end - self.field_start);
            self.field_start = end;
        }
        self.longest = self.longest.max(self.total - self.field_start);
    }

    /// Returns the number of complete fields.
    pub const fn fields(&self) -> usize {
        self.fields
    }

    /// Returns the limit that the record is over.
    pub fn fault(&self) -> Option<Fault> {
        if self.longest > FIELD_LIMIT {
            Some(Fault::FieldTooLong(self.longest))
        } else if self.total > RECORD_LIMIT {
            Some(Fault::RecordTooLong(self.total))
        } else {
            (self.fields > COLUMN_LIMIT).then_some(Fault::TooManyFields(self.fields))
        }
    }
}
