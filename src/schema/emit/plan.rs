//! The migration that brings a database to the declaration, for every engine of its tier.

use super::{Script, migrate, obstacles};
use crate::schema::Dialect;
use crate::schema::diff::{Alter, Change, diff};
use crate::schema::findings::Live;
use crate::schema::model::Model;

/// A migration, up and down, for each engine of a tier.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Why it cannot be written; nothing is, then.
    pub obstacles: Vec<String>,
    /// The engines, each with its way up and its way down.
    pub scripts: Vec<(Dialect, Script, Script)>,
}

impl Plan {
    /// The steps from what is there to what is declared. What one engine's catalogs tell is enough for all of them.
    pub fn new(live: &Live, declared: &Model, engines: &[Dialect]) -> Self {
        let current = live.dialect.lift(&live.model, declared);
        let scripts = engines.iter().map(|&engine| {
            let (up, mut down) = (migrate(engine, &current, declared), migrate(engine, declared, &current));
            if live.dialect == Dialect::Sqlite && engine != Dialect::Sqlite && loses_types(&current, declared) {
                down.notes.push(
                    "The types of what comes back were read from SQLite, which knows integers and texts alone: \
                     look at them."
                        .to_owned(),
                );
            }
            (engine, up, down)
        });
        Self { obstacles: obstacles(&current, declared), scripts: scripts.collect() }
    }

    /// Whether there is nothing to do on any engine.
    pub fn is_empty(&self) -> bool {
        self.obstacles.is_empty() && self.scripts.iter().all(|(_, up, _)| up.statements.is_empty())
    }

    /// What the engine that was asked cannot tell, so that a change of it alone is not planned.
    pub const fn unseen(asked: Dialect) -> Option<&'static str> {
        match asked {
            Dialect::Sqlite => Some("lengths of text, and which integers are instants, days or truth"),
            Dialect::Postgres => Some("lengths of text"),
            Dialect::Mssql => None,
        }
    }

    /// What gets lost or needs a look, on whichever engine.
    pub fn notes(&self) -> Vec<&str> {
        let mut notes: Vec<&str> = Vec::new();
        for note in self.scripts.iter().flat_map(|(_, up, _)| &up.notes) {
            if !notes.contains(&note.as_str()) {
                notes.push(note);
            }
        }
        notes
    }
}

/// Whether the way back makes something whose type nobody has declared.
fn loses_types(current: &Model, declared: &Model) -> bool {
    diff(declared, current).iter().any(|change| {
        matches!(
            change,
            Change::AddTable(_) | Change::Alter { what: Alter::AddColumn(_) | Alter::Column { .. }, .. }
        )
    })
}
