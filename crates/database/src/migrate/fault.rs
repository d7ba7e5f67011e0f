//! Why migrations stop, with the remedy.

use super::super::Source;

/// A migration failed, or its record is wrong.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// It failed and was rolled back.
    #[error(
        "{name} stopped at line {line}, `{statement}`; it was taken back, and the database is as it was before"
    )]
    Stopped {
        /// The migration.
        name: String,
        /// The line of its file.
        line: usize,
        /// The beginning of the statement.
        statement: String,
        /// The database's error.
        source: Source,
    },
    /// The tables of a platform cannot be adopted as they are.
    #[error("the tables of the platform cannot be adopted as they are; nothing was changed:{}", lines(.0))]
    Refused(Vec<String>),
    /// The tables of a platform could not be prepared for the first migration.
    #[error("the adoption stopped at `{statement}`; it was taken back, and the database is as it was before")]
    Unprepared {
        /// The statement.
        statement: String,
        /// The database's error.
        source: Source,
    },
    /// It failed outside a transaction, so its changes stay.
    #[error(
        "{name} stopped at line {line}, `{statement}`; it runs outside a transaction, so what stands above that line is done"
    )]
    Halfway {
        /// The migration.
        name: String,
        /// The line of its file.
        line: usize,
        /// The beginning of the statement.
        statement: String,
        /// The database's error.
        source: Source,
    },
    /// An earlier run left a migration incomplete.
    #[error(
        "{name} is half done: put right by hand what it did, then say where the schema stands with \
         `thermocline db stamp {before} --tier {tier}` (without it) or `thermocline db stamp {version} --tier {tier}` (with it)"
    )]
    Dirty {
        /// The migration, and where it stopped if known.
        name: String,
        /// Its version.
        version: i64,
        /// The version before it.
        before: i64,
        /// The tier.
        tier: &'static str,
    },
    /// A file was changed after it was applied.
    #[error(
        "the file of {name} was changed after it was applied here: restore it, and put the change into a new migration; \
         if the schema is right as it is, record the file anew with `thermocline db stamp {stands} --tier {tier}`"
    )]
    Changed {
        /// The migration.
        name: String,
        /// The current version.
        stands: i64,
        /// The tier.
        tier: &'static str,
    },
    /// The database is newer than the program.
    #[error(
        "the {tier} schema has migration {version}, and this program knows {newest}: it is too old for this database"
    )]
    Newer {
        /// A version in the database.
        version: i64,
        /// The newest version of the program.
        newest: i64,
        /// The tier.
        tier: &'static str,
    },
    /// A pending migration is older than an applied one.
    #[error("{name} is pending and older than version {stands}, which is applied: give it the next number")]
    Late {
        /// The migration.
        name: String,
        /// The current version.
        stands: i64,
    },
}

fn lines(texts: &[String]) -> String {
    texts.iter().flat_map(|text| ["\n  ", text]).collect()
}
