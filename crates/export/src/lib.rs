//! Rows into files, and the proof of those files. Nothing here asks a database.
//!
//! A copy is a folder with a [`Manifest`] and **parts**: one file for each table that has rows in it. A part is written under other
//! names, read back and compared with what was written, and only then gets its names and its place in the manifest. A killed
//! process leaves complete files, and `.partial` files that the next run removes.

mod csv;
mod folder;
mod format;
mod manifest;
mod parquet;
#[cfg(test)]
mod tests;
mod verify;

pub use folder::{Folder, Part};
pub use format::Format;
pub use manifest::{MANIFEST, Manifest, Origin, PartEntry, Proof};
pub use verify::{Fault, verify};

/// A copy could not be written or read.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// A file cannot be written or read.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: String,
        /// The reason.
        source: std::io::Error,
    },
    /// A file does not hold what it should.
    #[error("{path}: {problem}")]
    Content {
        /// The file.
        path: String,
        /// The fault.
        problem: String,
    },
}

impl ExportError {
    fn io(path: &std::path::Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.display().to_string();
        move |source| Self::Io { path, source }
    }

    fn content(path: &std::path::Path, problem: impl Into<String>) -> Self {
        Self::Content { path: path.display().to_string(), problem: problem.into() }
    }
}
