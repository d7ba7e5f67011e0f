//! Findings: the differences between a database and its declaration. Unknown tables are never findings.

use serde::Serialize;

use super::diff::{Alter, Change, diff};
use super::model::{ColumnModel, DefaultValue, ForeignKey, Model, TableModel, Type};
use super::{Dialect, Table, dialect};
use crate::adoption::plan::{dated_ahead, is_local_clock};
use crate::migrate::live;

/// The live schema of the requested tables.
#[derive(Clone, Debug)]
pub struct Live {
    /// The engine.
    pub dialect: Dialect,
    /// The tables.
    pub model: Model,
    /// Foreign keys of other tables that refer to the requested ones, with their table.
    pub inbound: Vec<(String, ForeignKey)>,
    /// The triggers that fire.
    pub triggers: Vec<Trigger>,
    /// Minutes that the server's clock is ahead of UTC, where defaults can depend on it.
    pub ahead: Option<i64>,
}

/// A trigger that fires.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trigger {
    /// Its table.
    pub table: String,
    /// Its name.
    pub name: String,
    /// Whether it fires for replicated rows too (PostgreSQL: `ENABLE ALWAYS`).
    pub always: bool,
}

impl Live {
    /// Returns every foreign key with its table.
    pub fn foreign(&self) -> Vec<(String, ForeignKey)> {
        let own = |table: &TableModel| -> Vec<(String, ForeignKey)> {
            table.foreign.iter().map(|foreign| (table.name.clone(), foreign.clone())).collect()
        };
        self.inbound.iter().cloned().chain(self.model.tables.iter().flat_map(own)).collect()
    }
}

/// The part of [`Live`] that moves depend on. It is read before every run.
#[derive(Clone, Debug, Default)]
pub struct Outline {
    /// The columns, as table and name.
    pub columns: Vec<(String, String)>,
    /// The foreign keys of these tables and those that refer to them, with their table.
    pub foreign: Vec<(String, ForeignKey)>,
    /// Triggers, as table and name.
    pub triggers: Vec<(String, String)>,
}

/// The kind of difference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Difference {
    /// A table is missing.
    MissingTable,
    /// A table of an earlier migration is not declared any more.
    UnknownTable,
    /// A column is missing.
    MissingColumn,
    /// A column is not declared.
    ExtraColumn,
    /// A column has another type.
    Type,
    /// A column differs in nullability.
    Nullability,
    /// A column has another default or none.
    Default,
    /// The primary key or identity column differs.
    Key,
    /// An index is missing.
    MissingIndex,
    /// An index is not declared.
    ExtraIndex,
    /// A foreign key is missing.
    MissingForeignKey,
    /// A foreign key is not declared.
    ExtraForeignKey,
    /// A foreign key cascades changes to moved rows.
    Cascade,
    /// A table that stays refers to rows that move.
    Inbound,
    /// A trigger on a moved table.
    Trigger,
    /// A table is not spread over workers as the others are.
    Placement,
}

impl Difference {
    /// Returns whether a reader would fail or answer wrongly because of it.
    pub const fn hinders_readers(self) -> bool {
        matches!(self, Self::MissingTable | Self::MissingColumn | Self::Type | Self::Key | Self::Placement)
    }
}

/// One difference.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The kind of difference.
    pub what: Difference,
    /// The table.
    pub table: String,
    /// Whether the program cannot work correctly; otherwise it is only a note.
    pub fault: bool,
    /// The sentence.
    pub text: String,
}

/// Compares the declaration with the live schema. Faults come first.
pub fn findings(tables: &[&Table], live: &Live) -> Vec<Finding> {
    let declared = live.dialect.fold(&Model::of(tables));
    let moved: Vec<&str> =
        tables.iter().filter(|table| table.archived.is_some()).map(|table| table.name).collect();
    let mut findings = Vec::new();
    for change in diff(&live.model, &declared) {
        match change {
            Change::AddTable(table) => {
                let text = format!("{} is not there", table.name);
                findings.push(finding(Difference::MissingTable, &table.name, true, text));
            }
            Change::DropTable(table) => {
                let text = format!("{} was made by an earlier version and is used no more", table.name);
                findings.push(finding(Difference::UnknownTable, &table.name, false, text));
            }
            Change::Alter { table, what } if is_of_feed(&table, &what) => {}
            Change::Alter { table, what } => {
                let moves = moved.contains(&table.as_str());
                for (difference, fault, text) in of_alter(&table, &what, moves) {
                    findings.push(finding(difference, &table, fault, text));
                }
            }
        }
    }
    let triggers: Vec<_> =
        live.triggers.iter().map(|trigger| (trigger.table.as_str(), trigger.name.as_str())).collect();
    findings.extend(in_the_way(&moved, &live.foreign(), &triggers));
    for (column, finding) in local_clocks(live, &declared) {
        // It says more than that the default is another one.
        let same = format!("{}.{column} has the default ", finding.table);
        findings.retain(|other| other.what != Difference::Default || !other.text.starts_with(&same));
        findings.push(finding);
    }
    findings.sort_by_key(|finding| !finding.fault);
    findings
}

/// Returns why rows of these tables must not be moved: data would be lost, or a trigger or cascade would run.
pub fn obstacles(tables: &[&Table], outline: &Outline) -> Vec<Finding> {
    let moved: Vec<&str> = tables.iter().map(|table| table.name).collect();
    let triggers: Vec<_> =
        outline.triggers.iter().map(|(table, name)| (table.as_str(), name.as_str())).collect();
    let mut obstacles = in_the_way(&moved, &outline.foreign, &triggers);
    for (name, column) in &outline.columns {
        let Some(table) = tables.iter().find(|table| table.name == name) else { continue };
        if column != live::COLUMN && !table.columns.iter().any(|declared| declared.name == column) {
            let text = extra_column(name, column, true);
            obstacles.push(finding(Difference::ExtraColumn, name, true, text));
        }
    }
    obstacles
}

/// Returns the defaults that date rows by the clock of a server that is not at UTC, each with its column.
fn local_clocks(live: &Live, declared: &Model) -> Vec<(String, Finding)> {
    let Some(ahead) = live.ahead.filter(|ahead| *ahead != 0) else { return Vec::new() };
    let mut found = Vec::new();
    for table in &declared.tables {
        let instants = table.columns.iter().filter(|column| column.default == Some(DefaultValue::Now));
        for column in instants {
            let live = live.model.table(&table.name).and_then(|table| table.column(&column.name));
            let Some(DefaultValue::Other(expression)) = live.and_then(|column| column.default.as_ref())
            else {
                continue;
            };
            if is_local_clock(expression) {
                let (table, name) = (&table.name, &column.name);
                let text = format!(
                    "{}; drop this default and run ALTER TABLE {table} ADD CONSTRAINT {table}_{name} DEFAULT \
                     SYSUTCDATETIME() FOR {name}",
                    dated_ahead(table, name, expression, ahead)
                );
                found.push((name.clone(), finding(Difference::Default, table, true, text)));
            }
        }
    }
    found
}

/// Returns whether a difference is what the change feed adds.
fn is_of_feed(table: &str, what: &Alter) -> bool {
    table == live::TABLE
        && match what {
            Alter::DropColumn(column) => column.name == live::COLUMN,
            Alter::DropIndex(index) => index.name == live::INDEX,
            _ => false,
        }
}

fn finding(what: Difference, table: &str, fault: bool, text: String) -> Finding {
    Finding { what, table: table.to_owned(), fault, text }
}

fn extra_column(table: &str, column: &str, moves: bool) -> String {
    let text =
        if moves { "not known, and would be lost when a row moves" } else { "not known, and left alone" };
    format!("{table}.{column} is {text}")
}

/// Returns whether no row can be added without naming the column.
fn is_demanded(column: &ColumnModel) -> bool {
    let filled_by_server = matches!(&column.kind, Type::Other(kind) if kind == "timestamp");
    !column.nullable && column.default.is_none() && !column.identity && !filled_by_server
}

/// Describes a step towards the declaration as a finding: its kind, whether it is a fault, and the sentence.
pub(super) fn of_alter(table: &str, what: &Alter, moves: bool) -> Vec<(Difference, bool, String)> {
    match what {
        Alter::AddColumn(column) => {
            vec![(Difference::MissingColumn, true, format!("{table}.{} is not there", column.name))]
        }
        Alter::DropColumn(column) => {
            let mut text = extra_column(table, &column.name, moves);
            if is_demanded(column) {
                text.push_str(
                    "; it must not be NULL and has no default, so that `import` cannot add rows to ",
                );
                text.push_str(table);
            }
            vec![(Difference::ExtraColumn, moves, text)]
        }
        Alter::Column { from, to } => of_column(table, from, to),
        Alter::Key { from, to } => {
            let text =
                format!("the primary key of {table} is ({}), expected ({})", from.join(", "), to.join(", "));
            // The order of key columns does not matter.
            let (mut one, mut other) = (from.clone(), to.clone());
            one.sort_unstable();
            other.sort_unstable();
            vec![(Difference::Key, one != other, text)]
        }
        Alter::AddIndex(index) => {
            let text = format!("{table} has no index like {} {index}", index.name);
            vec![(Difference::MissingIndex, true, text)]
        }
        Alter::DropIndex(index) => {
            let text = format!("{table} has an index more, {} {index}", index.name);
            // A platform's stricter uniqueness is harmless.
            vec![(Difference::ExtraIndex, false, text)]
        }
        Alter::AddForeign(foreign) => {
            vec![(Difference::MissingForeignKey, false, format!("{table} has no foreign key {foreign}"))]
        }
        Alter::DropForeign(foreign) => {
            vec![(Difference::ExtraForeignKey, false, format!("{table} has a foreign key more, {foreign}"))]
        }
    }
}

fn of_column(table: &str, from: &ColumnModel, to: &ColumnModel) -> Vec<(Difference, bool, String)> {
    let name = &to.name;
    let mut found = Vec::new();
    if from.kind != to.kind {
        let is_text = |kind: &Type| matches!(kind, Type::Text { .. });
        let is_as_good =
            dialect::is_tolerated(&from.kind, &to.kind) || (is_text(&from.kind) && is_text(&to.kind));
        let text = match &from.kind {
            Type::Other(kind) if kind.starts_with("datetime") || kind.starts_with("smalldatetime") => {
                format!("{table}.{name} is still {kind}, which cannot order rows: expected {}", to.kind)
            }
            Type::Other(kind) if kind.starts_with("varchar") || kind.starts_with("char(") => {
                format!("{table}.{name} is still {kind}, which cannot hold every text: expected {}", to.kind)
            }
            kind => format!("{table}.{name} is {kind}, expected {}", to.kind),
        };
        found.push((Difference::Type, !is_as_good, text));
    }
    if from.nullable != to.nullable {
        let text = if from.nullable {
            "may be NULL and must not"
        } else {
            "must not be NULL here: `import` rejects rows that have no value for it"
        };
        found.push((Difference::Nullability, from.nullable, format!("{table}.{name} {text}")));
    }
    if from.default != to.default {
        let shown = |value: &Option<DefaultValue>| value.as_ref().map_or("none".into(), ToString::to_string);
        let text = format!(
            "{table}.{name} has the default {}, expected {}",
            shown(&from.default),
            shown(&to.default)
        );
        // The program writes every value explicitly.
        found.push((Difference::Default, false, text));
    }
    if from.identity != to.identity {
        let text = if from.identity { "numbers the rows and should not" } else { "does not number the rows" };
        found.push((Difference::Key, false, format!("{table}.{name} {text}")));
    }
    found
}

/// Returns the obstacles to moving rows of these tables.
fn in_the_way(moved: &[&str], foreign: &[(String, ForeignKey)], triggers: &[(&str, &str)]) -> Vec<Finding> {
    let moves = |table: &str| moved.contains(&table);
    let mut found = Vec::new();
    let foreign_trigger = |(table, name): &&(&str, &str)| moves(table) && !live::TRIGGERS.contains(name);
    for (table, name) in triggers.iter().filter(foreign_trigger) {
        let text = format!("{table} has the trigger {name}, which would run when a row moves");
        found.push(finding(Difference::Trigger, table, true, text));
    }
    for (from, foreign) in foreign {
        if moves(&foreign.table) && !moves(from) {
            let text = format!("{from} {foreign}: its rows do not move with those of {}", foreign.table);
            found.push(finding(Difference::Inbound, &foreign.table, true, text));
        } else if foreign.cascades && (moves(from) || moves(&foreign.table)) {
            let text = format!("{from} {foreign}: a change would not reach rows that have moved");
            found.push(finding(Difference::Cascade, from, true, text));
        }
    }
    found
}
