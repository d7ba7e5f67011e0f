//! The tables of a platform's own archive as the catalogs describe them, and the SQL that reads their columns as ours.

use std::collections::BTreeMap;

use super::queries::sql;
use crate::model::Moved;
use thermocline_core::table::ColumnType;
use thermocline_database::adoption::PlatformZone;
use thermocline_database::schema::Dialect;
use thermocline_database::{Engine, Statement, TierError};

/// The schema in which the platform's own tables wait.
pub const SCHEMA: &str = "platform_originals";
/// The table of user activity.
pub const ACTIVITY: &str = "user_behavior_analytics";
/// The note in cold for instants without a time zone that are UTC.
pub const UTC: &str = "UTC";

/// A table of the platform.
#[derive(Clone, Debug)]
pub struct Original {
    /// Its name, which is also that of our table.
    pub name: String,
    /// The schema it is in.
    pub schema: String,
    /// The type of each column, as the catalogs name it.
    pub columns: BTreeMap<String, String>,
    /// Whether `id` is unique by an index.
    pub is_numbered: bool,
}

impl Original {
    /// Returns its qualified name as SQL.
    pub fn place(&self) -> String {
        format!("{}.{}", quoted(&self.schema), quoted(&self.name))
    }

    /// Returns whether it was set aside for its adoption.
    pub fn is_set_aside(&self) -> bool {
        self.schema == SCHEMA
    }

    /// Returns whether it is a table of the platform, not one of ours.
    pub fn is_foreign(&self) -> bool {
        self.is_set_aside() || !self.columns.contains_key("from_epoch")
    }

    /// Binds a template that names the table alone.
    pub(super) fn sql(&self, template: &Statement) -> Statement {
        template.bind(&self.name, &[("source", &self.place())])
    }

    /// Returns the table that the platform's models make beside one of ours, for the listing of statements.
    pub(super) fn sample(moved: &Moved) -> Self {
        let kind = |kind| match kind {
            ColumnType::Int => "int4",
            ColumnType::Text => "text",
            ColumnType::Time => "timestamp",
            ColumnType::Date => "date",
            ColumnType::Price => "numeric",
            ColumnType::Bool => "bool",
            ColumnType::Bytes => "bytea",
        };
        let own = moved.table.columns.iter().filter(|column| column.kind != ColumnType::Bool);
        let mut columns: BTreeMap<String, String> =
            own.map(|column| (column.archived.to_owned(), kind(column.kind).to_owned())).collect();
        columns.insert("id".to_owned(), "int4".to_owned());
        columns.insert("archived_at".to_owned(), "timestamp".to_owned());
        Self { name: moved.archived.to_owned(), schema: SCHEMA.to_owned(), columns, is_numbered: true }
    }

    /// The same for user activity.
    pub(super) fn sample_activity() -> Self {
        let columns = [
            ("id", "int4"),
            ("user_id", "int4"),
            ("action_type", "varchar"),
            ("action_count", "int4"),
            ("analysis_date", "date"),
            ("metadata", "json"),
            ("created_at", "timestamp"),
        ];
        Self {
            name: ACTIVITY.to_owned(),
            schema: SCHEMA.to_owned(),
            columns: columns.map(|(name, kind)| (name.to_owned(), kind.to_owned())).into(),
            is_numbered: true,
        }
    }
}

/// Returns the tables with these names: those that were set aside, and those that an unqualified name finds.
pub async fn find(cold: &dyn Engine, names: &[&str]) -> Result<Vec<Original>, TierError> {
    let mut found: BTreeMap<(String, String), Original> = BTreeMap::new();
    for record in cold.fetch(sql::originals(), &[names.join(",").as_str().into()]).await? {
        let (schema, name) = (record.text("place")?, record.text("name")?);
        let is_numbered = record.bool("numbered")?;
        let original = found.entry((schema.clone(), name.clone())).or_insert_with(|| Original {
            name,
            schema,
            columns: BTreeMap::new(),
            is_numbered,
        });
        original.columns.insert(record.text("col")?, record.text("kind")?);
    }
    Ok(found.into_values().collect())
}

/// Reads the columns of a table as the types of ours.
pub(super) struct Reader<'a> {
    pub original: &'a Original,
    /// The zone of instants without one; `None` for UTC.
    pub zone: Option<PlatformZone>,
    /// Why the table cannot be read.
    pub obstacles: Vec<String>,
    /// Conditions under which a row cannot be read, each with its reason, as branches of a `CASE`.
    branches: Vec<String>,
}

impl<'a> Reader<'a> {
    pub fn new(original: &'a Original, zone: Option<PlatformZone>) -> Self {
        let mut obstacles = Vec::new();
        if !original.is_numbered {
            obstacles.push(format!("{}.id is not there, or has no unique index", original.name));
        }
        Self { original, zone, obstacles, branches: Vec::new() }
    }

    /// Returns the expression for a column, or `None` where the table lacks it.
    pub fn optional(&mut self, name: &str, kind: ColumnType) -> Option<String> {
        let found = self.original.columns.get(name)?.clone();
        let read = self.read(name, &found, kind);
        if read.is_none() {
            self.obstacles.push(format!("{}.{name} is {found}", self.original.name));
        }
        read
    }

    /// Returns the expression for a column that the table must have; a row without a value in it cannot be read.
    pub fn required(&mut self, name: &str, kind: ColumnType) -> String {
        if !self.original.columns.contains_key(name) {
            self.obstacles.push(format!("{}.{name} is not there", self.original.name));
            return "NULL".to_owned();
        }
        self.branches.push(format!("WHEN s.{} IS NULL THEN '{name} is null'", quoted(name)));
        self.optional(name, kind).unwrap_or_else(|| "NULL".to_owned())
    }

    /// Adds a condition under which a row cannot be read.
    pub fn refuse(&mut self, condition: &str, reason: &str) {
        self.branches.push(format!("WHEN {condition} THEN '{reason}'"));
    }

    /// Returns an expression for the reason why a row cannot be read, NULL for a readable one.
    pub fn reason(&self) -> String {
        if self.branches.is_empty() {
            return "NULL::text".to_owned();
        }
        format!("(CASE {} END)", self.branches.join(" "))
    }

    /// Returns the expression, and adds the conditions under which it would fail or lose something.
    fn read(&mut self, name: &str, found: &str, kind: ColumnType) -> Option<String> {
        let column = format!("s.{}", quoted(name));
        let is_integer = ["int2", "int4", "int8"].contains(&found);
        let is_float = ["float4", "float8"].contains(&found);
        match kind {
            ColumnType::Int if is_integer => Some(format!("{column}::bigint")),
            ColumnType::Int if is_float || found == "numeric" => {
                self.refuse(
                    &format!("{column}::numeric NOT BETWEEN -9223372036854775807 AND 9223372036854775807"),
                    &format!("{name} is out of range"),
                );
                Some(format!("round({column}::numeric)::bigint"))
            }
            ColumnType::Text if ["text", "varchar", "bpchar"].contains(&found) => {
                Some(format!("{column}::text"))
            }
            ColumnType::Time if ["timestamp", "timestamptz", "date"].contains(&found) => {
                // The first and last days leave room for every time zone.
                self.refuse(
                    &format!("{column} NOT BETWEEN '0001-01-03' AND '9999-12-29'"),
                    &format!("{name} lies outside the years 1 to 9999"),
                );
                let local = format!("{column}::timestamp");
                Some(match (found, self.zone) {
                    ("timestamptz", _) => column,
                    (_, None) => format!("({local} AT TIME ZONE 'UTC')"),
                    (_, Some(zone)) => format!("({} AT TIME ZONE 'UTC')", zone.utc_in_postgres(&local)),
                })
            }
            ColumnType::Date if ["date", "timestamp"].contains(&found) => {
                self.refuse(
                    &format!("{column} NOT BETWEEN '0001-01-03' AND '9999-12-29'"),
                    &format!("{name} lies outside the years 1 to 9999"),
                );
                Some(format!("{column}::date"))
            }
            ColumnType::Price if is_integer || is_float || found == "numeric" => {
                self.refuse(
                    &format!("abs({column}::numeric) >= 99999999.995"),
                    &format!("{name} is too large"),
                );
                // A binary fraction is not the decimal that was meant; a decimal is, and must not be rounded.
                if found == "numeric" {
                    self.refuse(
                        &format!("{column} <> round({column}, 2)"),
                        &format!("{name} has more than two decimals"),
                    );
                }
                Some(format!("round({column}::numeric, 2)"))
            }
            ColumnType::Bool if found == "bool" => Some(column),
            ColumnType::Bool if is_integer => Some(format!("({column} <> 0)")),
            _ => None,
        }
    }
}

/// Quotes a name.
pub(super) fn quoted(name: &str) -> String {
    Dialect::Postgres.quoted(name)
}
