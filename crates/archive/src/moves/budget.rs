//! The limits of a batch: rows and bytes.

/// The largest number of bytes of text in a batch of several rows; it bounds a mover's memory.
const MAX_BYTES: i64 = 16 << 20;

/// The rows and bytes of a batch so far.
pub struct BatchBudget {
    max_rows: i64,
    rows: i64,
    bytes: i64,
    is_empty: bool,
}

impl BatchBudget {
    pub fn new(max_rows: i64) -> Self {
        Self { max_rows, rows: 0, bytes: 0, is_empty: true }
    }

    /// Adds a row that counts as `rows` with its children and has `bytes` of text with them. Returns whether it fits; the
    /// first row always does.
    pub fn takes(&mut self, rows: i64, bytes: i64) -> bool {
        self.rows += rows;
        self.bytes += bytes;
        let first = std::mem::replace(&mut self.is_empty, false);
        first || (self.rows <= self.max_rows && self.bytes <= MAX_BYTES)
    }
}
