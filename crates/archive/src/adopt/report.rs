//! The report of an adoption: the classes of rows that did not simply become versions.

use serde::Serialize;

use thermocline_database::{Record, TierError};

/// The rows of a class that are named.
pub(super) const SHOWN: usize = 10;

/// Rows of one kind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Class {
    /// Its name.
    pub class: String,
    /// The number of rows.
    pub rows: i64,
    /// The first of them.
    pub first: Vec<String>,
}

impl Class {
    /// Creates an empty class.
    pub fn new(class: &str) -> Self {
        Self { class: class.to_owned(), rows: 0, first: Vec::new() }
    }

    /// Adds a row.
    pub fn add(&mut self, row: impl Into<String>) {
        self.add_all(1, row);
    }

    /// Adds rows under one text.
    pub fn add_all(&mut self, rows: i64, row: impl Into<String>) {
        self.rows += rows;
        if self.first.len() < SHOWN {
            self.first.push(row.into());
        }
    }

    /// Reads classes with the first rows of each.
    pub(super) fn read(records: &[Record]) -> Result<Vec<Self>, TierError> {
        let mut classes: Vec<Self> = Vec::new();
        for record in records {
            let class = record.text("class")?;
            if classes.last().is_none_or(|last| last.class != class) {
                classes.push(Self { class, rows: record.int("n")?, first: Vec::new() });
            }
            let (id, original, detail) =
                (record.int("id")?, record.int_or_null("original_id")?, record.text("detail")?);
            let of = original.map_or_else(String::new, |original| format!(" (row {original} of hot)"));
            if let Some(last) = classes.last_mut() {
                last.first.push(format!("row {id}{of}: {detail}"));
            }
        }
        Ok(classes)
    }
}

/// The report of one table.
#[derive(Clone, Debug, Default, Serialize)]
pub struct TableReport {
    /// The table.
    pub source: String,
    /// Its rows.
    pub rows: i64,
    /// The rows that became versions, or would.
    pub adopted: i64,
    /// Columns that it lacks, and what stands for them.
    pub absent: Vec<String>,
    /// Columns that stay in it.
    pub ignored: Vec<String>,
    /// The rows that did not simply become versions.
    pub classes: Vec<Class>,
}
