//! The migration that brings a database to its declaration, for every engine of the tier.

use super::{Script, migrate, obstacles, sqlite};
use crate::schema::Dialect;
use crate::schema::diff::{Alter, Change, diff};
use crate::schema::findings::{Difference, Live, of_alter};
use crate::schema::model::{ForeignKey, IndexModel, Model, TableModel};

/// A migration, up and down, for each engine of a tier.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Why it cannot be generated; then nothing is written.
    pub obstacles: Vec<String>,
    /// Objects that are neither declared nor created by a migration, and stay; a sentence each.
    pub kept: Vec<String>,
    /// The engines, each with its upgrade and downgrade.
    pub scripts: Vec<(Dialect, Script, Script)>,
}

impl Plan {
    /// Plans the steps from the live schema to the declared one. One engine's catalogs suffice for all engines.
    ///
    /// Of undeclared objects only those `made` by the program's migrations are dropped; others stay. So does a harmless
    /// difference of a platform's own tables from what the migrations make. Without `made` everything is planned.
    pub fn new(live: &Live, declared: &Model, engines: &[Dialect], made: Option<&Model>) -> Self {
        let mut current = live.dialect.lift(&live.model, declared);
        let strange = made.map_or_else(Vec::new, |made| set_aside(&mut current, declared, made));
        if let Some(made) = made {
            tolerate(&mut current, declared, made);
        }
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
        let scripts = scripts.collect();
        let mut obstacles = obstacles(&current, declared);
        if live.dialect == Dialect::Sqlite {
            let anew = sqlite::made_anew(&current, declared);
            let lost = strange.iter().filter(|(table, _)| anew.contains(table));
            obstacles.extend(lost.map(|(table, what)| {
                format!("{table} has to be made anew, which would lose {what}: declare it, or let it go with --drop-unknown")
            }));
        }
        let kept = strange.into_iter().map(|(_, what)| format!("{what} is not ours, and stays")).collect();
        Self { obstacles, kept, scripts }
    }

    /// Returns whether no engine has anything to do.
    pub fn is_empty(&self) -> bool {
        self.obstacles.is_empty() && self.scripts.iter().all(|(_, up, _)| up.statements.is_empty())
    }

    /// Hides differences that the inspected engine cannot report, so that they are not planned.
    pub const fn unseen(asked: Dialect) -> Option<&'static str> {
        match asked {
            Dialect::Sqlite => Some("lengths of text, and which integers are instants, days or truth"),
            Dialect::Postgres => Some("lengths of text"),
            Dialect::Mssql => None,
        }
    }

    /// Returns the warnings of all engines.
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

/// Removes from `current` what is neither declared nor created by a migration, and returns it with its table.
fn set_aside(current: &mut Model, declared: &Model, made: &Model) -> Vec<(String, String)> {
    let mut strange = Vec::new();
    current.tables.retain(|table| {
        let ours = declared.table(&table.name).or_else(|| made.table(&table.name)).is_some();
        if !ours {
            strange.push((table.name.clone(), table.name.clone()));
        }
        ours
    });
    for table in &mut current.tables {
        let name = table.name.clone();
        let both: Vec<&TableModel> =
            [declared.table(&name), made.table(&name)].into_iter().flatten().collect();
        sift(&mut table.columns, &mut strange, |column| {
            let ours = both.iter().any(|table| table.column(&column.name).is_some());
            (!ours).then(|| (name.clone(), format!("{name}.{}", column.name)))
        });
        sift(&mut table.indexes, &mut strange, |index: &IndexModel| {
            let ours = both.iter().any(|table| table.indexes.iter().any(|other| other.is_like(index)));
            (!ours).then(|| (name.clone(), format!("the index {} {index} of {name}", index.name)))
        });
        sift(&mut table.foreign, &mut strange, |foreign: &ForeignKey| {
            let ours = both.iter().any(|table| table.foreign.iter().any(|other| other.is_like(foreign)));
            (!ours).then(|| (name.clone(), format!("the foreign key {foreign} of {name}")))
        });
    }
    strange
}

/// Hides differences that are harmless and that no change of the declaration causes: the migrations make what is declared, and
/// a platform has made its tables otherwise.
fn tolerate(current: &mut Model, declared: &Model, made: &Model) {
    for table in &mut current.tables {
        let (Some(meant), Some(made)) = (declared.table(&table.name), made.table(&table.name)) else {
            continue;
        };
        let name = table.name.clone();
        let is_harmless = |what: Alter| of_alter(&name, &what, false).iter().all(|(_, fault, _)| !fault);
        if made.key == meant.key && is_harmless(Alter::Key { from: table.key.clone(), to: meant.key.clone() })
        {
            table.key.clone_from(&meant.key);
        }
        for column in &mut table.columns {
            let Some(meant) = meant.column(&column.name) else { continue };
            if made.column(&column.name) != Some(meant) {
                continue;
            }
            let change = Alter::Column { from: column.clone(), to: meant.clone() };
            for (difference, fault, _) in of_alter(&name, &change, false) {
                match difference {
                    _ if fault => {}
                    Difference::Type => column.kind = meant.kind.clone(),
                    Difference::Nullability => column.nullable = meant.nullable,
                    Difference::Default => column.default.clone_from(&meant.default),
                    Difference::Key => column.identity = meant.identity,
                    _ => {}
                }
            }
        }
        let is_missing = |key: &&ForeignKey| {
            made.foreign.iter().any(|other| other.is_like(key))
                && !table.foreign.iter().any(|other| other.is_like(key))
        };
        let missing: Vec<ForeignKey> = meant.foreign.iter().filter(is_missing).cloned().collect();
        table.foreign.extend(missing);
    }
}

/// Moves the matching elements out of a list.
fn sift<T>(
    list: &mut Vec<T>,
    strange: &mut Vec<(String, String)>,
    says: impl Fn(&T) -> Option<(String, String)>,
) {
    list.retain(|one| {
        let said = says(one);
        strange.extend(said.clone());
        said.is_none()
    });
}

/// Returns whether the downgrade creates a column of an undeclared type.
fn loses_types(current: &Model, declared: &Model) -> bool {
    diff(declared, current).iter().any(|change| {
        matches!(
            change,
            Change::AddTable(_) | Change::Alter { what: Alter::AddColumn(_) | Alter::Column { .. }, .. }
        )
    })
}
