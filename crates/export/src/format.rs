//! The formats of files.

use std::fmt;
use std::fs::File;
use std::io;
use std::path::Path;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::{ExportError, csv, parquet};
use thermocline_core::table::Table;
use thermocline_database::Value;

/// The format of the files of a copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Format {
    /// Comma-separated values as `import` reads them, compressed with gzip.
    #[serde(rename = "csv.gz")]
    CsvGz,
    /// Columns for analysis.
    #[serde(rename = "parquet")]
    Parquet,
}

impl Format {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::CsvGz, Self::Parquet];

    /// Returns its name, which is also the extension of its files.
    pub const fn name(self) -> &'static str {
        match self {
            Self::CsvGz => "csv.gz",
            Self::Parquet => "parquet",
        }
    }

    /// Replaces the values of a row that the format cannot store: in CSV an empty text is NULL where a column may be NULL.
    pub(super) fn adapt(self, table: &Table, row: &mut [Value]) {
        match self {
            Self::CsvGz => {
                for (value, column) in row.iter_mut().zip(table.columns) {
                    if column.nullable && matches!(value, Value::Text(text) if text.is_empty()) {
                        *value = Value::Null(column.kind);
                    }
                }
            }
            Self::Parquet => {}
        }
    }

    /// Begins a file.
    pub(super) fn write(self, file: File, table: &'static Table) -> io::Result<Box<dyn Writer>> {
        Ok(match self {
            Self::CsvGz => Box::new(csv::Writer::new(file, table)?),
            Self::Parquet => Box::new(parquet::Writer::new(file, table)?),
        })
    }

    /// Reads a file and calls `each` with every row.
    pub(super) fn read(
        self,
        path: &Path,
        table: &Table,
        each: &mut dyn FnMut(&[Value]),
    ) -> Result<(), ExportError> {
        match self {
            Self::CsvGz => csv::read(path, table, each),
            Self::Parquet => parquet::read(path, table, each),
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Format {
    type Err = &'static str;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|format| format.name() == name).ok_or("not a format")
    }
}

/// Writes the rows of one file.
pub(super) trait Writer: Send {
    /// Adds a row: a value for each column of the table.
    fn row(&mut self, row: &[Value]) -> io::Result<()>;

    /// Ends the file and makes it durable.
    fn finish(self: Box<Self>) -> io::Result<()>;
}
