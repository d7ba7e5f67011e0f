//! The subject of a copy, and the expected content of its files.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::ExportError;
use super::format::Format;
use thermocline_core::clock::Timestamp;

/// The name of the file.
pub const MANIFEST: &str = "manifest.json";
/// The suffix of the names of files that are not complete.
pub(super) const PARTIAL: &str = ".partial";

/// The subject of a copy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// The resource.
    pub resource: String,
    /// The format of the files.
    pub format: Format,
    /// Rows of this instant and later ones; all if `None`.
    pub from: Option<Timestamp>,
    /// Rows before this instant; all if `None`.
    pub to: Option<Timestamp>,
}

/// A copy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// Its subject.
    #[serde(flatten)]
    pub origin: Origin,
    /// The epoch of the resource at which every row was read.
    pub epoch: i64,
    /// The token of that epoch, which tells it from one of the same number in a restored database.
    pub token: Option<i64>,
    /// The version of the program that began it.
    pub program: String,
    /// When it was begun.
    pub begun: Timestamp,
    /// When its last part was written; `None` while parts are missing.
    pub finished: Option<Timestamp>,
    /// Its parts, in order.
    pub parts: Vec<PartEntry>,
}

/// A part of a copy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartEntry {
    /// The place of its last row in cold: the move that brought it, and its number there.
    pub last: (i64, i64),
    /// Its files.
    pub files: Vec<Proof>,
}

/// The expected content of a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proof {
    /// Its name.
    pub file: String,
    /// The table of its rows.
    pub table: String,
    /// Their number.
    pub rows: u64,
    /// The sum of their digests, as the journal has it of batches.
    pub digest: String,
    /// The size of the file.
    pub bytes: u64,
    /// The BLAKE3 hash of the file.
    pub blake3: String,
}

impl Manifest {
    /// Returns the number of rows of a table.
    pub fn rows_of(&self, table: &str) -> u64 {
        self.files().filter(|proof| proof.table == table).map(|proof| proof.rows).sum()
    }

    /// Returns its files.
    pub fn files(&self) -> impl Iterator<Item = &Proof> {
        self.parts.iter().flat_map(|part| &part.files)
    }

    /// Reads the manifest of a folder; `None` if there is none.
    pub fn read(folder: &Path) -> Result<Option<Self>, ExportError> {
        let path = folder.join(MANIFEST);
        let text = match fs::read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(ExportError::io(&path)(error)),
        };
        let manifest = serde_json::from_slice(&text);
        manifest.map(Some).map_err(|error| ExportError::content(&path, error.to_string()))
    }

    /// Writes the manifest of a folder. The file is the old or the new one at any time.
    pub(super) fn write(&self, folder: &Path) -> Result<(), ExportError> {
        let path = folder.join(MANIFEST);
        let partial = folder.join(format!("{MANIFEST}{PARTIAL}"));
        let done = || {
            let mut file = File::create(&partial)?;
            serde_json::to_writer_pretty(&mut file, self)?;
            file.write_all(b"\n")?;
            file.sync_all()?;
            fs::rename(&partial, &path)?;
            File::open(folder)?.sync_all()
        };
        done().map_err(ExportError::io(&path))
    }
}
