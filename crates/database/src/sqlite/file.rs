//! The file of a database, and whether it is still there.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

/// The first bytes of every database.
const MAGIC: [u8; 16] = *b"SQLite format 3\0";

/// The identity of a file, which a file of the same name that takes its place does not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FileId {
    device: u64,
    inode: u64,
}

impl FileId {
    /// Returns the identity of the file at `path`.
    #[cfg(unix)]
    pub fn of(path: &Path) -> io::Result<Self> {
        use std::os::unix::fs::MetadataExt as _;
        let metadata = std::fs::metadata(path)?;
        Ok(Self { device: metadata.dev(), inode: metadata.ino() })
    }

    /// Returns the same identity for every file: elsewhere an open file cannot be replaced.
    #[cfg(not(unix))]
    pub fn of(path: &Path) -> io::Result<Self> {
        std::fs::metadata(path).map(|_| Self { device: 0, inode: 0 })
    }

    /// Checks that the file at `path` is this one, and a database.
    pub fn check(self, path: &Path) -> io::Result<()> {
        if Self::of(path)? != self {
            return Err(io::Error::other("another file has taken the place of the database"));
        }
        let mut start = [0; MAGIC.len()];
        File::open(path)?.read_exact(&mut start).map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => io::Error::other("the database was truncated"),
            _ => error,
        })?;
        if start != MAGIC {
            return Err(io::Error::other("the file is no database any more"));
        }
        Ok(())
    }
}
