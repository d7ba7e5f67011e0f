//! Archived rows into files: rows of cold at one epoch, with the stocks that prices refer to.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use thermocline_export::{ExportError as FileError, Fault, Folder, Format, Manifest, Origin, verify};

use crate::archive::export::{ExportError, Place, Snapshot};
use crate::archive::{Family, Selection};
use crate::clock::{Clock, Timestamp};
use crate::journal::JournalError;
use crate::resources::registry;
use crate::schema::Table;
use crate::tier::{Engine, Statement, TierError, Value, row_of};

crate::queries! {
    mod sql = "export" { Shared: "queries.sql" }
    [referred]
}

/// Returns every statement of this module as it is sent.
pub fn statements() -> Vec<Statement> {
    registry::imports().filter_map(|(_, noun)| parent_of(noun.table)).map(referred).collect()
}

/// The subject of an export, and its folder.
#[derive(Clone, Copy, Debug)]
pub struct Export<'a> {
    /// The hot tier.
    pub hot: &'a dyn Engine,
    /// The cold tier.
    pub cold: &'a dyn Engine,
    /// The time.
    pub clock: &'a Clock,
    /// The resource.
    pub family: &'static Family,
    /// The instants between which the rows lie, the second exclusive; all rows if `None`.
    pub span: Option<(Timestamp, Timestamp)>,
    /// The format of the files.
    pub format: Format,
    /// Rows of the resource in a file.
    pub rows: i64,
    /// The folder, in which the resource gets one of its own.
    pub folder: &'a Path,
}

/// An export did not end.
#[derive(Debug, thiserror::Error)]
pub enum Failed {
    /// A database or the epoch.
    #[error(transparent)]
    Cold(#[from] ExportError),
    /// A database.
    #[error(transparent)]
    Tier(#[from] TierError),
    /// The state of the resource.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// A file.
    #[error(transparent)]
    File(#[from] FileError),
    /// The folder has a copy of another origin.
    #[error(
        "{0} has another export: of other rows, or in another format. Choose another folder, or remove it"
    )]
    Another(String),
    /// The rows that were written are not all of them.
    #[error("{resource}: {written} rows were written, and cold has {there}")]
    Incomplete {
        /// The resource.
        resource: &'static str,
        /// The number of rows in files.
        written: u64,
        /// The number of rows that should be there.
        there: i64,
    },
    /// The process was told to stop.
    #[error("stopped; run it again to go on")]
    Stopped,
}

impl Export<'_> {
    /// Returns the folder of the resource.
    pub fn place(&self) -> PathBuf {
        self.folder.join(self.family.resource)
    }

    fn selection(&self) -> Selection {
        self.span.map_or(Selection::All, |(from, to)| Selection::Span(from, to))
    }

    /// Writes what is archived now, or goes on with an export that was interrupted, at its epoch. Calls `progress` with the number
    /// of rows of the resource that are written, and of all. Returns the manifest, and whether there was anything to do.
    pub async fn run(
        &self,
        stop: &AtomicBool,
        progress: &mut (dyn FnMut(u64, i64) + Send),
    ) -> Result<(Manifest, bool), Failed> {
        let place = self.place();
        let origin = Origin {
            resource: self.family.resource.to_owned(),
            format: self.format,
            from: self.span.map(|(from, _)| from),
            to: self.span.map(|(_, to)| to),
        };
        let mut snapshot = Snapshot::now(self.hot, self.cold, self.family, self.selection()).await?;
        let mut folder = match Manifest::read(&place)? {
            Some(manifest) if manifest.origin != origin => {
                return Err(Failed::Another(place.display().to_string()));
            }
            Some(manifest) if manifest.finished.is_some() => return Ok((manifest, false)),
            Some(manifest) => {
                (snapshot.epoch, snapshot.token) = (manifest.epoch, manifest.token);
                Folder::go_on(&place, manifest)?
            }
            None => {
                let manifest = Manifest {
                    origin,
                    epoch: snapshot.epoch,
                    token: snapshot.token,
                    program: env!("CARGO_PKG_VERSION").to_owned(),
                    begun: self.clock.now(),
                    finished: None,
                    parts: Vec::new(),
                };
                Folder::begin(&place, manifest)?
            }
        };
        let there = snapshot.count().await?;
        let own = self.family.own().table.name;
        loop {
            let written = folder.manifest().rows_of(own);
            progress(written, there);
            let after = folder.manifest().parts.last().map_or((0, 0), |part| part.last);
            if !self.part(&snapshot, &mut folder, after, stop).await? {
                break;
            }
        }
        let written = folder.manifest().rows_of(own);
        if written != there.cast_unsigned() {
            return Err(Failed::Incomplete { resource: self.family.resource, written, there });
        }
        folder.finish(self.clock.now())?;
        Ok((folder.manifest().clone(), true))
    }

    /// Writes the part after a place. Returns whether there was one.
    async fn part(
        &self,
        snapshot: &Snapshot<'_>,
        folder: &mut Folder,
        after: Place,
        stop: &AtomicBool,
    ) -> Result<bool, Failed> {
        let mut tables: Vec<&'static Table> = self.family.tables.iter().map(|moved| moved.table).collect();
        let parents: Vec<&'static Table> = tables.iter().filter_map(|table| parent_of(table)).collect();
        tables.extend(&parents);
        let first_parent = self.family.tables.len();
        let mut part = folder.part(tables);
        let mut sink = |place: usize, rows: Vec<Vec<Value>>| {
            if stop.load(Ordering::Relaxed) {
                return Err(Failed::Stopped.into());
            }
            rows.into_iter()
                .try_for_each(|row| part.row(place, row))
                .map_err(|error| Failed::File(error).into())
        };
        let last = match snapshot.read(after, self.rows, &mut sink).await {
            Ok(last) => last,
            Err(ExportError::Sink(error)) => {
                let failed = error.downcast::<Failed>().map(|failed| *failed);
                return Err(failed.unwrap_or_else(|error| ExportError::Sink(error).into()));
            }
            Err(error) => return Err(error.into()),
        };
        let Some(last) = last else { return Ok(false) };
        if folder.manifest().parts.is_empty() {
            for (place, table) in parents.into_iter().enumerate() {
                for record in self.hot.fetch(&referred(table), &[]).await? {
                    part.row(first_parent + place, row_of(&record, table)?)?;
                }
            }
        }
        folder.add(part, last)?;
        Ok(true)
    }
}

/// Checks the copies in a folder, one for each resource. Returns the manifest of each, the number of its sound rows, and its faults.
pub fn check(folder: &Path, resources: &[&str]) -> Result<Vec<(Manifest, u64, Vec<Fault>)>, FileError> {
    let mut all = Vec::new();
    for resource in resources {
        let place = folder.join(resource);
        if let Some(manifest) = Manifest::read(&place)? {
            let (rows, faults) = verify(&place, &manifest, &table_of);
            all.push((manifest, rows, faults));
        }
    }
    Ok(all)
}

fn table_of(name: &str) -> Option<&'static Table> {
    registry::imports().map(|(_, noun)| noun.table).find(|table| table.name == name)
}

/// Returns the table that the rows of `table` refer to, if files name its rows by text because its ids mean nothing elsewhere.
fn parent_of(table: &Table) -> Option<&'static Table> {
    let mut nouns = registry::imports().map(|(_, noun)| noun);
    nouns.find(|noun| noun.table == table)?.parent.as_ref().map(|parent| parent.table)
}

fn referred(table: &'static Table) -> Statement {
    sql::referred().bind(table.name, &[("columns", &table.names()), ("table", table.name)])
}
