//! A copy in the making.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use super::ExportError;
use super::format::{Format, Writer};
use super::manifest::{Manifest, PARTIAL, PartEntry, Proof};
use super::verify::{Bytes, Rows};
use thermocline_core::clock::Timestamp;
use thermocline_core::table::Table;
use thermocline_database::{Value, fail_point};

/// A folder with a copy.
#[derive(Debug)]
pub struct Folder {
    folder: PathBuf,
    manifest: Manifest,
}

impl Folder {
    /// Begins a copy in a folder, which is made if it is not there.
    pub fn begin(folder: &Path, manifest: Manifest) -> Result<Self, ExportError> {
        fs::create_dir_all(folder).map_err(ExportError::io(folder))?;
        manifest.write(folder)?;
        fail_point::reached("export-begun");
        Ok(Self { folder: folder.to_owned(), manifest })
    }

    /// Continues the copy of a folder, whose manifest was read. Removes the files that an interrupted process left: those in
    /// progress, and those of a part that had their names before the manifest had the part. The part may get other files now.
    pub fn go_on(folder: &Path, manifest: Manifest) -> Result<Self, ExportError> {
        let next = suffix(manifest.parts.len() + 1, manifest.origin.format);
        for entry in fs::read_dir(folder).map_err(ExportError::io(folder))? {
            let path = entry.map_err(ExportError::io(folder))?.path();
            let name = path.to_string_lossy();
            if name.ends_with(PARTIAL) || name.ends_with(&next) {
                fs::remove_file(&path).map_err(ExportError::io(&path))?;
            }
        }
        Ok(Self { folder: folder.to_owned(), manifest })
    }

    /// Returns its manifest.
    pub const fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Begins the next part. Those of the tables that have no rows in it get no file.
    pub fn part(&self, tables: Vec<&'static Table>) -> Part {
        let tables = tables.into_iter().map(|table| Open { table, written: None }).collect();
        Part {
            folder: self.folder.clone(),
            format: self.manifest.origin.format,
            number: self.manifest.parts.len() + 1,
            tables,
        }
    }

    /// Ends a part whose last row has this place: closes its files, reads them back, gives them their names, and adds the part to
    /// the manifest.
    pub fn add(&mut self, part: Part, last: (i64, i64)) -> Result<(), ExportError> {
        let mut files = Vec::new();
        for Open { table, written } in part.tables {
            let Some(Written { writer, rows, name, partial }) = written else { continue };
            let path = self.folder.join(&name);
            writer.finish().map_err(ExportError::io(&partial))?;
            fail_point::reached("export-written");
            let found = Rows::of(&partial, part.format, table)?;
            if found != rows {
                return Err(ExportError::content(&partial, found.difference(&rows)));
            }
            let bytes = Bytes::of(&partial)?;
            fs::rename(&partial, &path).map_err(ExportError::io(&path))?;
            fail_point::reached("export-named");
            files.push(Proof {
                file: name,
                table: table.name.to_owned(),
                rows: rows.count,
                digest: rows.digest.to_string(),
                bytes: bytes.size,
                blake3: bytes.blake3,
            });
        }
        self.manifest.parts.push(PartEntry { last, files });
        // The names of the files are durable with that of the manifest, which is in the same folder.
        self.manifest.write(&self.folder)?;
        fail_point::reached("export-added");
        Ok(())
    }

    /// Notes that every part is written.
    pub fn finish(&mut self, now: Timestamp) -> Result<(), ExportError> {
        self.manifest.finished = Some(now);
        self.manifest.write(&self.folder)
    }
}

/// Returns the end of the names of a part's files.
fn suffix(number: usize, format: Format) -> String {
    format!("-{number:05}.{format}")
}

/// A part that is written.
pub struct Part {
    folder: PathBuf,
    format: Format,
    number: usize,
    tables: Vec<Open>,
}

/// A table of a part.
struct Open {
    table: &'static Table,
    written: Option<Written>,
}

/// A file that is written.
struct Written {
    writer: Box<dyn Writer>,
    rows: Rows,
    name: String,
    /// Its path until it is complete.
    partial: PathBuf,
}

impl Part {
    /// Adds a row of the table in this place.
    pub fn row(&mut self, place: usize, mut row: Vec<Value>) -> Result<(), ExportError> {
        let Open { table, written } = &mut self.tables[place];
        let written = if let Some(written) = written {
            written
        } else {
            let name = format!("{}{}", table.name, suffix(self.number, self.format));
            let partial = self.folder.join(format!("{name}{PARTIAL}"));
            let file = File::create(&partial).map_err(ExportError::io(&partial))?;
            let writer = self.format.write(file, table).map_err(ExportError::io(&partial))?;
            fail_point::reached("export-writing");
            written.insert(Written { writer, rows: Rows::default(), name, partial })
        };
        self.format.adapt(table, &mut row);
        written.rows.add(table, &row);
        written.writer.row(&row).map_err(ExportError::io(&written.partial))
    }
}
