//! Compares files with their manifest.

use std::fs::{self, File};
use std::path::Path;

use super::ExportError;
use super::format::Format;
use super::manifest::{Manifest, Proof};
use thermocline_core::table::Table;
use thermocline_database::Value;
use thermocline_journal::Digest;

/// A file that does not hold what it should.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Fault {
    /// The file.
    pub file: String,
    /// The fault.
    pub problem: String,
}

/// The bytes of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Bytes {
    pub size: u64,
    pub blake3: String,
}

impl Bytes {
    /// Reads a file.
    pub(super) fn of(path: &Path) -> Result<Self, ExportError> {
        let mut hasher = blake3::Hasher::new();
        let file = File::open(path).map_err(ExportError::io(path))?;
        hasher.update_reader(file).map_err(ExportError::io(path))?;
        Ok(Self { size: hasher.count(), blake3: hasher.finalize().to_hex().to_string() })
    }

    /// Describes the difference to what was expected.
    fn difference(&self, expected: &Self) -> String {
        if self.size == expected.size {
            "was changed since it was written".to_owned()
        } else {
            format!("was changed since it was written: {} bytes instead of {}", self.size, expected.size)
        }
    }
}

/// The rows of a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Rows {
    pub count: u64,
    pub digest: Digest,
}

impl Rows {
    /// Adds a row.
    pub(super) fn add(&mut self, table: &Table, row: &[Value]) {
        self.count += 1;
        self.digest.add(table.name, row);
    }

    /// Reads a file, whose bytes must have been compared first: a library may fail in any way on bytes that were changed.
    pub(super) fn of(path: &Path, format: Format, table: &Table) -> Result<Self, ExportError> {
        let mut rows = Self::default();
        format.read(path, table, &mut |row| rows.add(table, row))?;
        Ok(rows)
    }

    /// Describes the difference to what was expected.
    pub(super) fn difference(&self, expected: &Self) -> String {
        if self.count == expected.count {
            "its rows are not those that were read: the digests differ".to_owned()
        } else {
            format!("holds {} rows instead of {}", self.count, expected.count)
        }
    }
}

/// Compares the files of a folder with their manifest. `table` finds a table by its name. Returns the number of rows that
/// are sound, and what is wrong.
pub fn verify(
    folder: &Path,
    manifest: &Manifest,
    table: &dyn Fn(&str) -> Option<&'static Table>,
) -> (u64, Vec<Fault>) {
    let (mut rows, mut faults) = (0, Vec::new());
    for proof in manifest.files() {
        let mut fault = |problem: String| faults.push(Fault { file: proof.file.clone(), problem });
        let Some(table) = table(&proof.table) else {
            fault(format!("is of a table {} that is not known", proof.table));
            continue;
        };
        match compare(&folder.join(&proof.file), proof, manifest.origin.format, table) {
            Ok(()) => rows += proof.rows,
            Err(ExportError::Io { source, .. }) => fault(source.to_string()),
            Err(ExportError::Content { problem, .. }) => fault(problem),
        }
    }
    if manifest.finished.is_none() {
        let problem = "the copy is not finished: run the export again".to_owned();
        faults.push(Fault { file: super::MANIFEST.to_owned(), problem });
    }
    faults.extend(unknown(folder, manifest));
    (rows, faults)
}

/// Compares a file with what it must hold.
fn compare(path: &Path, proof: &Proof, format: Format, table: &Table) -> Result<(), ExportError> {
    let bytes = Bytes { size: proof.bytes, blake3: proof.blake3.clone() };
    let found = Bytes::of(path)?;
    if found != bytes {
        return Err(ExportError::content(path, found.difference(&bytes)));
    }
    let digest = proof.digest.parse();
    let digest = digest.map_err(|_| ExportError::content(path, "its digest in the manifest is none"))?;
    let rows = Rows { count: proof.rows, digest };
    let found = Rows::of(path, format, table)?;
    if found == rows { Ok(()) } else { Err(ExportError::content(path, found.difference(&rows))) }
}

/// Returns the files of a folder that its manifest does not know.
fn unknown(folder: &Path, manifest: &Manifest) -> Vec<Fault> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let names = entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned());
    let is_known =
        |name: &String| name == super::MANIFEST || manifest.files().any(|proof| proof.file == *name);
    let unknown = names.filter(|name| !is_known(name));
    unknown.map(|file| Fault { file, problem: "is not in the manifest".to_owned() }).collect()
}
