//! The statements that turn the columns of a platform's tables in PostgreSQL into those that the program declares.
//!
//! Little has to change: 32-bit ids, instants without a zone (which are UTC) and texts with a length are as good as what is
//! declared, and a platform goes on reading them as the types it knows. The server itself makes indexes and constraints anew when
//! a column changes its type.

use super::orphans::MissingKey;
use super::{Adoption, Preparation, RowCounts, nulls};
use crate::adoption::platform::mentions;
use crate::schema::Dialect;
use crate::schema::dialect::WITHOUT_ZONE;
use crate::schema::findings::{Live, Trigger};
use crate::schema::model::{ColumnModel, DefaultValue, Model, TableModel, Type};

/// A default in UTC, independent of the time zone of the session.
const UTC_CLOCK: &str = "timezone('utc'::text, now())";
/// Functions that return an instant, which a column without a zone stores in the time zone of the session.
const CLOCKS: [&str; 7] = [
    "current_date",
    "now",
    "current_timestamp",
    "localtimestamp",
    "clock_timestamp",
    "statement_timestamp",
    "transaction_timestamp",
];

/// Returns the columns that may be NULL and must not, of which the rows have to be counted.
pub fn nullable_columns(found: &Model, declared: &Model) -> Vec<(String, String)> {
    let mut columns = Vec::new();
    for (meant, table) in pairs(found, declared) {
        for (meant, column) in columns_of(meant, table) {
            if column.nullable && !meant.nullable && nulls::filler(Dialect::Postgres, meant).is_none() {
                columns.push((table.name.clone(), meant.name.clone()));
            }
        }
    }
    columns
}

/// Returns the foreign keys that the first migration adds to a platform's tables.
pub fn missing_keys(found: &Model, declared: &Model) -> Vec<MissingKey> {
    let mut missing = Vec::new();
    for (meant, table) in pairs(found, declared) {
        for key in &meant.foreign {
            let Some(column) = key.columns.first().and_then(|name| table.column(name)) else { continue };
            let is_there = table
                .foreign
                .iter()
                .any(|known| known.table == key.table && known.columns.contains(&column.name));
            let parent = found.table(&key.table).and_then(|parent| parent.column("id"));
            if !is_there && parent.is_some() {
                let (table, column) = (table.name.clone(), column.name.clone());
                missing.push(MissingKey { table, column, parent: key.table.clone() });
            }
        }
    }
    missing
}

/// Plans the adoption of a platform's tables. `nulls` has the rows without a value by table and column.
pub fn plan(live: &Live, declared: &Model, nulls: &RowCounts, adoption: &Adoption) -> Preparation {
    let mut done = Preparation::default();
    nulls::refuse(nulls, &mut done);
    for (meant, found) in pairs(&live.model, declared) {
        let triggers = live.triggers.iter().filter(|trigger| trigger.table == found.name).collect();
        Table { meant, found, triggers, adoption }.plan(&mut done);
    }
    done.refusals.sort();
    if !done.refusals.is_empty() {
        done.statements.clear();
    }
    done
}

/// A table of the platform, and as it is declared.
struct Table<'a> {
    meant: &'a TableModel,
    found: &'a TableModel,
    triggers: Vec<&'a Trigger>,
    adoption: &'a Adoption,
}

impl Table<'_> {
    fn plan(&self, done: &mut Preparation) {
        let table = quoted(&self.found.name);
        let (mut types, mut rows, mut rest) = (Vec::new(), Vec::new(), Vec::new());
        let mut shifted = Vec::new();
        for (meant, found) in columns_of(self.meant, self.found) {
            let column = quoted(&meant.name);
            match self.kind(meant, found) {
                Ok(None) => {}
                Ok(Some(kind)) => {
                    types.push(format!("ALTER TABLE {table} ALTER COLUMN {column} TYPE {kind}"));
                }
                Err(refusal) => done.refusals.push(refusal),
            }
            if found.nullable && !meant.nullable {
                if let Some(value) = nulls::filler(Dialect::Postgres, meant) {
                    rows.push(format!("UPDATE {table} SET {column} = {value} WHERE {column} IS NULL"));
                }
                // The platform may leave it out in its inserts.
                if let (None, Some(value)) = (&found.default, &meant.default) {
                    let value = match (value, is_without_zone(&found.kind)) {
                        (DefaultValue::Now, true) => UTC_CLOCK.to_owned(),
                        (value, _) => Dialect::Postgres.default_text(value),
                    };
                    rest.push(format!("ALTER TABLE {table} ALTER COLUMN {column} SET DEFAULT {value}"));
                }
                rest.push(format!("ALTER TABLE {table} ALTER COLUMN {column} SET NOT NULL"));
            }
            if meant.kind == Type::Time && is_without_zone(&found.kind) {
                if let Some(zone) = self.adoption.zone {
                    shifted.push(format!("{column} = {}", zone.utc_in_postgres(&column)));
                }
                rest.extend(self.clock(found, done));
            }
        }
        if !shifted.is_empty() {
            rows.push(format!("UPDATE {table} SET {}", shifted.join(", ")));
        }
        // A trigger that dates every change would undo the shift, and nothing is changed in the eyes of the platform.
        let triggers = if rows.is_empty() { &[] } else { self.triggers.as_slice() };
        let switch = |verb: &str, trigger: &Trigger| {
            format!("ALTER TABLE {table} {verb} TRIGGER {}", quoted(&trigger.name))
        };
        let off = triggers.iter().map(|trigger| switch("DISABLE", trigger)).collect();
        let verb = |trigger: &Trigger| if trigger.always { "ENABLE ALWAYS" } else { "ENABLE" };
        let on = triggers.iter().map(|trigger| switch(verb(trigger), trigger)).collect();
        done.statements.extend([types, off, rows, on, rest].concat());
    }

    /// Returns the new type of a column, `None` if it stays.
    ///
    /// # Errors
    /// The sentence that refuses a column which cannot be changed.
    fn kind(&self, meant: &ColumnModel, found: &ColumnModel) -> Result<Option<&'static str>, String> {
        let refers = self.meant.foreign.iter().any(|key| key.columns.contains(&meant.name));
        let other = match &found.kind {
            Type::Other(kind) => kind.as_str(),
            _ => "",
        };
        Ok(match (&meant.kind, &found.kind) {
            (Type::Time, Type::Time)
            | (Type::Text { .. }, Type::Text { .. })
            | (Type::Int, Type::Int)
            | (Type::Bool, Type::Bool) => None,
            (Type::Time, _) if other == WITHOUT_ZONE => None,
            // Days, and fewer digits of a second than six.
            (Type::Time, kind) if is_without_zone(kind) => Some(WITHOUT_ZONE),
            (Type::Time, _) if other.starts_with("timestamp") => Some("timestamp with time zone"),
            (Type::Text { .. }, _) if other.starts_with("character(") => Some("text"),
            (Type::Int, Type::Narrow | Type::Small) => {
                // Ids and references may be narrow: they are as good, and other tables refer to them.
                let stays = found.identity || refers || !meant.nullable;
                (!stays).then_some("bigint")
            }
            (Type::Time | Type::Text { .. } | Type::Int | Type::Bool, _) => {
                return Err(format!(
                    "{}.{} is {}, expected {}: it is not known how to change that",
                    self.found.name, found.name, found.kind, meant.kind
                ));
            }
            // Compared and refused before, when the schema is detected.
            _ => None,
        })
    }

    /// Replaces a default that dates rows in the zone of the session, if the platform wrote local times so far.
    fn clock(&self, found: &ColumnModel, done: &mut Preparation) -> Option<String> {
        let expression = match &found.default {
            Some(DefaultValue::Now) => "now()",
            Some(DefaultValue::Other(text)) => text,
            _ => return None,
        };
        let is_local =
            CLOCKS.iter().any(|clock| mentions(expression, clock)) && !mentions(expression, "timezone");
        if !is_local {
            return None;
        }
        let (table, column) = (&self.found.name, &found.name);
        if self.adoption.zone.is_none() {
            done.notes.push(format!(
                "{table}.{column} has the default {expression} and no zone: sessions that insert rows have to be in UTC, as \
                 after ALTER DATABASE … SET TimeZone = 'UTC'"
            ));
            return None;
        }
        Some(format!("ALTER TABLE {} ALTER COLUMN {} SET DEFAULT {UTC_CLOCK}", quoted(table), quoted(column)))
    }
}

fn is_without_zone(kind: &Type) -> bool {
    match kind {
        Type::Date => true,
        Type::Other(kind) => kind.starts_with("timestamp") && kind.ends_with("without time zone"),
        _ => false,
    }
}

/// Returns the declared tables that the platform has, each with its own one.
fn pairs<'a>(
    found: &'a Model,
    declared: &'a Model,
) -> impl Iterator<Item = (&'a TableModel, &'a TableModel)> {
    declared.tables.iter().filter_map(|meant| Some((meant, found.table(&meant.name)?)))
}

/// Returns the declared columns that the platform has, each with its own one.
fn columns_of<'a>(
    meant: &'a TableModel,
    found: &'a TableModel,
) -> impl Iterator<Item = (&'a ColumnModel, &'a ColumnModel)> {
    meant.columns.iter().filter_map(|meant| Some((meant, found.column(&meant.name)?)))
}

fn quoted(name: &str) -> String {
    Dialect::Postgres.quoted(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(name: &str, columns: Vec<ColumnModel>) -> TableModel {
        TableModel {
            name: name.to_owned(),
            columns,
            key: vec!["id".to_owned()],
            indexes: Vec::new(),
            foreign: Vec::new(),
            rows: Vec::new(),
        }
    }

    fn live(columns: Vec<ColumnModel>) -> Live {
        let model = Model { tables: vec![table("notes", columns)] };
        let trigger = |(table, name, always): (&str, &str, bool)| Trigger {
            table: table.to_owned(),
            name: name.to_owned(),
            always,
        };
        let triggers = [("notes", "touch", false), ("notes", "log", true), ("users", "other", false)]
            .map(trigger)
            .into();
        Live { dialect: Dialect::Postgres, model, inbound: Vec::new(), triggers, ahead: None }
    }

    fn other(kind: &str) -> Type {
        Type::Other(kind.to_owned())
    }

    fn declared() -> Model {
        let read = ColumnModel {
            default: Some(DefaultValue::Bool(false)),
            ..ColumnModel::required("is_read", Type::Bool)
        };
        let columns = vec![
            ColumnModel::required("id", Type::Int),
            ColumnModel::required("text", Type::TEXT),
            ColumnModel::required("at", Type::Time),
            read,
            ColumnModel::nullable("volume", Type::Int),
        ];
        Model { tables: vec![table("notes", columns)] }
    }

    fn planned(columns: Vec<ColumnModel>, zone: Option<&str>) -> Preparation {
        let adoption = Adoption { zone: zone.map(|zone| zone.parse().expect("a zone")) };
        plan(&live(columns), &declared(), &RowCounts::new(), &adoption)
    }

    #[test]
    fn a_platform_keeps_the_types_that_are_as_good() {
        let at = ColumnModel {
            default: Some(DefaultValue::Now),
            ..ColumnModel::required("at", other(WITHOUT_ZONE))
        };
        let text = Type::Text { length: Some(200), exact: false };
        let columns = vec![
            ColumnModel { identity: true, ..ColumnModel::required("id", Type::Narrow) },
            ColumnModel::required("text", text),
            at,
            ColumnModel::required("is_read", Type::Bool),
            ColumnModel::nullable("volume", Type::Int),
        ];
        let done = planned(columns.clone(), None);
        assert_eq!((done.refusals.len(), done.statements.len()), (0, 0), "{done:?}");
        assert!(done.notes[0].contains("default now() and no zone"), "{done:?}");
        let done = planned(columns, Some("Asia/Taipei"));
        assert_eq!(done.statements.len(), 6, "{done:?}");
        assert_eq!(done.statements[0], "ALTER TABLE \"notes\" DISABLE TRIGGER \"touch\"");
        assert!(done.statements[2].starts_with("UPDATE \"notes\" SET \"at\" = (\"at\" - ("), "{done:?}");
        assert_eq!(
            done.statements[5],
            "ALTER TABLE \"notes\" ALTER COLUMN \"at\" SET DEFAULT timezone('utc'::text, now())"
        );
    }

    #[test]
    fn narrow_columns_are_widened() {
        let columns = vec![
            ColumnModel::required("id", Type::Int),
            ColumnModel::required("text", other("character(10)")),
            ColumnModel::nullable("at", other("timestamp(3) without time zone")),
            ColumnModel::nullable("is_read", Type::Bool),
            ColumnModel::nullable("volume", Type::Narrow),
        ];
        let done = planned(columns, None);
        assert_eq!(
            done.statements,
            [
                "ALTER TABLE \"notes\" ALTER COLUMN \"text\" TYPE text",
                "ALTER TABLE \"notes\" ALTER COLUMN \"at\" TYPE timestamp without time zone",
                "ALTER TABLE \"notes\" ALTER COLUMN \"volume\" TYPE bigint",
                "ALTER TABLE \"notes\" DISABLE TRIGGER \"touch\"",
                "ALTER TABLE \"notes\" DISABLE TRIGGER \"log\"",
                "UPDATE \"notes\" SET \"is_read\" = false WHERE \"is_read\" IS NULL",
                "ALTER TABLE \"notes\" ENABLE TRIGGER \"touch\"",
                "ALTER TABLE \"notes\" ENABLE ALWAYS TRIGGER \"log\"",
                "ALTER TABLE \"notes\" ALTER COLUMN \"at\" SET NOT NULL",
                "ALTER TABLE \"notes\" ALTER COLUMN \"is_read\" SET DEFAULT false",
                "ALTER TABLE \"notes\" ALTER COLUMN \"is_read\" SET NOT NULL",
            ]
        );
    }

    #[test]
    fn impossible_changes_are_refused_by_name() {
        let columns = vec![
            ColumnModel::required("id", Type::Int),
            ColumnModel::required("text", other("bytea")),
            ColumnModel::required("at", Type::Int),
            ColumnModel::required("is_read", Type::Small),
        ];
        let done = planned(columns, None);
        assert_eq!(
            done.refusals,
            [
                "notes.at is 64-bit integer, expected instant: it is not known how to change that",
                "notes.is_read is 16-bit integer, expected true or false: it is not known how to change that",
                "notes.text is bytea, expected text: it is not known how to change that",
            ]
        );
        assert_eq!(done.statements, Vec::<String>::new());
    }
}
