//! Why a whole file is rejected.

use std::io;
use std::path::PathBuf;

/// A file that cannot be imported. No record of it was let in.
#[derive(Debug, thiserror::Error)]
#[error("{file}: {problem}")]
pub struct ContainerError {
    /// The file as the caller named it.
    pub file: String,
    /// What is wrong with it.
    #[source]
    pub problem: Problem,
}

/// Why a whole file is rejected.
#[derive(Debug, thiserror::Error)]
pub enum Problem {
    /// Nothing exists at the path.
    #[error("no such file")]
    Missing,
    /// The path is a directory.
    #[error("is a directory")]
    Directory,
    /// The operating system could not read it.
    #[error("cannot be read: {0}")]
    Io(#[source] io::Error),
    /// Standard input or a pipe could not be copied.
    #[error(
        "is copied to a temporary file first, and that cannot be written in {}: {error}; TMPDIR names another folder",
        folder.display()
    )]
    Spool {
        /// The folder of temporary files.
        folder: PathBuf,
        /// The fault.
        #[source]
        error: io::Error,
    },
    /// It is cut short, followed by something else, or its checksum does not match.
    #[error("damaged gzip: {0}")]
    Gzip(#[source] io::Error),
    /// The name ends in `.gz`, the content is something else.
    #[error("is named .gz but is not gzip")]
    NotGzip,
    /// The decompressed text is not UTF-8.
    #[error("not UTF-8 at byte {byte}, on line {line}")]
    NotUtf8 {
        /// Offset from 0 in the decompressed text.
        byte: u64,
        /// Line from 1 in the decompressed text.
        line: u64,
    },
    /// Every line is blank.
    #[error("empty: no header line")]
    Empty,
    /// The header line does not fit the table.
    #[error("header line: {0}")]
    Header(String),
    /// The file is not one of the stock exchange's, or does not tell its symbol or day.
    #[error("{0}")]
    Exchange(String),
}
