//! Whether files hold what their manifest says.

use std::fs::{self, File};
use std::path::Path;

use super::ExportError;
use super::format::Format;
use super::manifest::Manifest;
use thermocline_core::table::Table;
use thermocline_journal::Digest;

/// A file that does not hold what it should.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Fault {
    /// The file.
    pub file: String,
    /// What is wrong.
    pub problem: String,
}

/// What a file holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Found {
    pub rows: u64,
    pub digest: Digest,
    pub bytes: u64,
    pub blake3: String,
}

impl Found {
    /// Says how it differs from what was expected.
    pub(super) fn difference(&self, expected: &Self) -> String {
        if self.rows != expected.rows {
            return format!("holds {} rows instead of {}", self.rows, expected.rows);
        }
        if self.digest != expected.digest {
            return "its rows are not those that were read: the digests differ".to_owned();
        }
        if self.bytes != expected.bytes {
            return format!("has {} bytes instead of {}", self.bytes, expected.bytes);
        }
        "was changed since it was written".to_owned()
    }
}

/// Reads a file and returns what it holds.
pub(super) fn examine(path: &Path, format: Format, table: &Table) -> Result<Found, ExportError> {
    let (mut rows, mut digest) = (0, Digest::default());
    format.read(path, table, &mut |row| {
        rows += 1;
        digest.add(table.name, row);
    })?;
    let mut hasher = blake3::Hasher::new();
    let file = File::open(path).map_err(ExportError::io(path))?;
    let bytes = file.metadata().map_err(ExportError::io(path))?.len();
    hasher.update_reader(file).map_err(ExportError::io(path))?;
    Ok(Found { rows, digest, bytes, blake3: hasher.finalize().to_hex().to_string() })
}

/// Compares the files of a folder with their manifest. `table` finds a table by its name. Returns the number of rows that
/// were read, and what is wrong.
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
        let Ok(digest) = proof.digest.parse() else {
            fault("its digest in the manifest is none".to_owned());
            continue;
        };
        let expected = Found { rows: proof.rows, digest, bytes: proof.bytes, blake3: proof.blake3.clone() };
        match examine(&folder.join(&proof.file), manifest.origin.format, table) {
            Ok(found) => {
                rows += found.rows;
                if found != expected {
                    fault(found.difference(&expected));
                }
            }
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

/// Returns the files of a folder that its manifest does not know.
fn unknown(folder: &Path, manifest: &Manifest) -> Vec<Fault> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let names = entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned());
    let is_known =
        |name: &String| name == super::MANIFEST || manifest.files().any(|proof| proof.file == *name);
    let unknown = names.filter(|name| !is_known(name));
    unknown.map(|file| Fault { file, problem: "is not in the manifest".to_owned() }).collect()
}
