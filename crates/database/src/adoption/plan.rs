//! The statements that turn the columns of a platform's tables into those that the program declares.
//!
//! A column cannot change its type while an index, a constraint or a statistic depends on it. What stands in the way is
//! dropped first and made again as it was. All of it is one transaction, so that nobody ever sees a table without its
//! constraints.

use std::collections::BTreeSet;

use super::platform::{
    Platform, PlatformCheck, PlatformColumn, PlatformForeignKey, PlatformIndex, PlatformTable, mentions,
};
use super::{Adoption, Preparation, RowCounts, nulls, offset_text};
use crate::schema::Dialect;
use crate::schema::model::{ColumnModel, Model, TableModel, Type};

/// One change of a column.
#[derive(Clone, Debug)]
struct Change<'a> {
    column: &'a PlatformColumn,
    /// Its new type, with collation.
    kind: String,
    nullable: bool,
}

/// Returns the columns that may be NULL and must not, of which the rows have to be counted.
pub fn nullable_columns(platform: &Platform, declared: &Model) -> Vec<(String, String)> {
    let mut columns = Vec::new();
    for (table, meant, found) in columns_of(platform, declared) {
        if found.nullable && !meant.nullable && nulls::filler(Dialect::Mssql, meant).is_none() {
            columns.push((table.to_owned(), meant.name.clone()));
        }
    }
    columns
}

/// Plans the adoption of a platform's tables. `nulls` has the rows without a value by table and column.
pub fn plan(platform: &Platform, declared: &Model, nulls: &RowCounts, adoption: &Adoption) -> Preparation {
    let mut plan = Plan {
        platform,
        adoption,
        drops: Vec::new(),
        changes: Vec::new(),
        makes: Vec::new(),
        done: Preparation::default(),
    };
    nulls::refuse(nulls, &mut plan.done);
    for meant in &declared.tables {
        if let Some(found) = platform.tables.get(&meant.name) {
            plan.table(found, meant);
        }
    }
    plan.finish()
}

fn columns_of<'a>(
    platform: &'a Platform,
    declared: &'a Model,
) -> impl Iterator<Item = (&'a str, &'a ColumnModel, &'a PlatformColumn)> {
    declared.tables.iter().flat_map(move |table| {
        let found = platform.tables.get(&table.name);
        let columns = table.columns.iter();
        columns.filter_map(move |meant| Some((&*table.name, meant, found?.column(&meant.name)?)))
    })
}

struct Plan<'a> {
    platform: &'a Platform,
    adoption: &'a Adoption,
    /// Drops what stands in the way.
    drops: Vec<String>,
    changes: Vec<String>,
    /// Makes it again; in reverse order of the drops.
    makes: Vec<String>,
    done: Preparation,
}

impl<'a> Plan<'a> {
    fn table(&mut self, table: &'a PlatformTable, declared: &TableModel) {
        let name = &declared.name;
        let mut changes: Vec<Change<'a>> = Vec::new();
        for meant in &declared.columns {
            let Some(found) = table.column(&meant.name) else { continue };
            let refers = declared.foreign.iter().any(|key| key.columns.contains(&meant.name));
            if let Some(change) = self.change(name, found, (meant, refers)) {
                changes.push(change);
            }
            if found.nullable
                && !meant.nullable
                && let Some(value) = nulls::filler(Dialect::Mssql, meant)
            {
                let (table, column) = (quoted(name), quoted(&meant.name));
                self.changes.push(format!("UPDATE {table} SET {column} = {value} WHERE {column} IS NULL"));
            }
        }
        let changed: BTreeSet<&str> = changes.iter().map(|change| &*change.column.name).collect();
        self.refuse_unalterable(name, table, &changed);
        if self.platform.is_babelfish {
            self.clear_unique_indexes(name, table, &changed);
        } else {
            self.clear_the_way(name, table, &changed);
        }
        for change in &changes {
            self.changes.push(self.alter(name, change));
        }
        self.clocks(name, table, &declared.columns);
    }

    /// Returns the change of a column, if it needs one.
    fn change(
        &mut self,
        table: &str,
        found: &'a PlatformColumn,
        (meant, refers): (&ColumnModel, bool),
    ) -> Option<Change<'a>> {
        let kind = self.kind(table, found, (meant, refers))?;
        // On Babelfish NOT NULL cannot be added.
        let tightens = found.nullable && !meant.nullable && !self.platform.is_babelfish;
        if kind.is_none() && !tightens {
            return None;
        }
        let kind = kind.unwrap_or_else(|| spelled(found));
        Some(Change { column: found, kind, nullable: found.nullable && meant.nullable })
    }

    /// Returns the new type of a column, `Some(None)` if it stays, and `None` if it cannot be changed.
    #[expect(clippy::option_option, reason = "no change and no way to change are different answers")]
    fn kind(
        &mut self,
        table: &str,
        found: &PlatformColumn,
        (meant, refers): (&ColumnModel, bool),
    ) -> Option<Option<String>> {
        let is = |names: &[&str]| names.contains(&&*found.kind);
        let fits = match meant.kind {
            Type::Time if is(&["datetime2"]) && found.scale == 6 => return Some(None),
            Type::Time => {
                is(&["datetime", "datetime2", "smalldatetime", "date"]).then(|| "DATETIME2(6)".to_owned())
            }
            Type::Text { .. } if is(&["nvarchar"]) => return Some(None),
            Type::Text { .. } => is(&["varchar", "char", "nchar", "text", "ntext"])
                .then(|| wide_text(found, self.platform.is_babelfish)),
            // Ids and references may be narrow: they are as good, and other tables refer to them.
            Type::Int if found.identity || refers || is(&["bigint"]) => return Some(None),
            Type::Int if is(&["int", "smallint", "tinyint"]) && !meant.nullable => return Some(None),
            Type::Int => is(&["int", "smallint", "tinyint"]).then(|| "BIGINT".to_owned()),
            Type::Bool if is(&["bit"]) => return Some(None),
            Type::Bool => is(&["tinyint", "smallint", "int"]).then(|| "BIT".to_owned()),
            // Compared and refused before, when the schema is detected.
            _ => return Some(None),
        };
        if fits.is_none() {
            let text = format!("{table}.{} is {}, which is not known how to widen", found.name, found.kind);
            self.done.refusals.push(text);
            return None;
        }
        Some(fits)
    }

    fn refuse_unalterable(&mut self, name: &str, table: &PlatformTable, changed: &BTreeSet<&str>) {
        for index in &table.indexes {
            let kind = match index.clustered {
                _ if index.primary => "the primary key",
                None => "an index of a kind that cannot be made again",
                Some(_) => continue,
            };
            for column in changed.iter().filter(|column| index.mentions(column)) {
                let text =
                    format!("{name}.{column} is part of {kind}, {}: it cannot change its type", index.name);
                self.done.refusals.push(text);
            }
        }
        for column in &table.columns {
            let Some(expression) = &column.computed else { continue };
            for changed in changed.iter().filter(|changed| mentions(expression, changed)) {
                let text = format!(
                    "{name}.{changed} cannot change its type while the column {name}.{} is computed from it",
                    column.name
                );
                self.done.refusals.push(text);
            }
        }
    }

    /// Drops what depends on changed columns, and makes it again afterwards.
    fn clear_the_way(&mut self, name: &str, table: &'a PlatformTable, changed: &BTreeSet<&str>) {
        let changes = |columns: &[String]| columns.iter().any(|column| changed.contains(&**column));
        let all = self.platform.tables.values().flat_map(|table| &table.foreign);
        let foreign: Vec<&PlatformForeignKey> = all
            .filter(|key| {
                (key.table == name && changes(&key.columns))
                    || (key.parent == name && changes(&key.references))
            })
            .collect();
        for key in foreign {
            self.way(drop_constraint(&key.table, &key.name), add_foreign(key));
        }
        for check in
            table.checks.iter().filter(|check| changed.iter().any(|name| mentions(&check.definition, name)))
        {
            self.way(drop_constraint(name, &check.name), add_check(name, check));
        }
        for (column, (default, expression)) in defaults(table).filter(|(column, _)| changed.contains(column))
        {
            self.way(drop_constraint(name, default), add_default(name, default, expression, column));
        }
        for (statistics, _) in table.statistics.iter().filter(|(_, columns)| changes(columns)) {
            // The server makes its own again when it wants them.
            self.drops.push(format!("DROP STATISTICS {}.{}", quoted(name), quoted(statistics)));
        }
        // A clustered index last, and first again: the others are built on it.
        let mut indexes: Vec<&PlatformIndex> = table
            .indexes
            .iter()
            .filter(|index| {
                !index.primary && index.clustered.is_some() && changed.iter().any(|name| index.mentions(name))
            })
            .collect();
        indexes.sort_by_key(|index| index.clustered);
        for index in indexes {
            self.way(drop_index(name, index), make_index(name, index));
        }
    }

    /// Babelfish changes the type of a column below its indexes, but fails at a unique one.
    fn clear_unique_indexes(&mut self, name: &str, table: &'a PlatformTable, changed: &BTreeSet<&str>) {
        let unique = table.indexes.iter().filter(|index| index.unique && !index.constraint && !index.primary);
        for index in unique.filter(|index| changed.iter().any(|name| index.mentions(name))) {
            if index.padded {
                let text = format!(
                    "the unique index {} of {name} has a filter, which Babelfish does not report: drop it, and make it again \
                     after the adoption",
                    index.name
                );
                self.done.refusals.push(text);
            } else {
                self.way(drop_index(name, index), make_index(name, index));
            }
        }
    }

    fn way(&mut self, drop: String, make: String) {
        // A foreign key between two changed columns stands in the way of both.
        if !self.drops.contains(&drop) {
            self.drops.push(drop);
            self.makes.push(make);
        }
    }

    fn alter(&self, table: &str, change: &Change<'_>) -> String {
        let (table, column) = (quoted(table), quoted(&change.column.name));
        // Babelfish keeps the nullability.
        let null = match (self.platform.is_babelfish, change.nullable) {
            (true, _) => "",
            (false, true) => " NULL",
            (false, false) => " NOT NULL",
        };
        format!("ALTER TABLE {table} ALTER COLUMN {column} {}{null}", change.kind)
    }

    /// Moves stored local times to UTC, and replaces defaults that go on writing local times.
    fn clocks(&mut self, name: &str, table: &'a PlatformTable, declared: &[ColumnModel]) {
        let instants: Vec<&PlatformColumn> = declared
            .iter()
            .filter(|meant| meant.kind == Type::Time)
            .filter_map(|meant| table.column(&meant.name))
            .collect();
        for column in &instants {
            let Some((default, expression)) = &column.default else { continue };
            if !is_local_clock(expression) || (self.platform.ahead == 0 && self.adoption.zone.is_none()) {
                continue;
            }
            if self.adoption.zone.is_none() {
                let text = dated_ahead(name, &column.name, expression, self.platform.ahead);
                self.done.notes.push(format!(
                    "{text}; --platform-zone replaces the default, and shifts the rows that it has dated"
                ));
                continue;
            }
            let utc = add_default(name, default, "(sysutcdatetime())", &column.name);
            let made = self
                .makes
                .iter_mut()
                .find(|make| **make == add_default(name, default, expression, &column.name));
            match made {
                Some(make) => *make = utc,
                // Babelfish replaces a default when another is added, and cannot drop it by its name.
                None if self.platform.is_babelfish => self.makes.push(utc),
                None => self.way(drop_constraint(name, default), utc),
            }
        }
        if let Some(zone) = self.adoption.zone
            && !instants.is_empty()
        {
            let set = instants.iter().map(|column| {
                let column = quoted(&column.name);
                format!("{column} = {}", zone.utc_in_mssql(&column))
            });
            let set = set.collect::<Vec<_>>().join(", ");
            self.changes.push(format!("UPDATE {} SET {set}", quoted(name)));
        }
    }

    fn finish(mut self) -> Preparation {
        self.makes.reverse();
        self.done.statements = [self.drops, self.changes, self.makes].concat();
        self.done.refusals.sort();
        if !self.done.refusals.is_empty() {
            self.done.statements.clear();
        }
        self.done
    }
}

/// Returns the sentence about a default that dates rows by the server's local clock.
pub fn dated_ahead(table: &str, column: &str, expression: &str, ahead: i64) -> String {
    format!(
        "{table}.{column} has the default {expression}, and the server's clock is at {}: new rows are not dated in UTC",
        offset_text(ahead)
    )
}

/// Returns whether a default writes the local time of the server.
pub fn is_local_clock(expression: &str) -> bool {
    let text = expression.to_ascii_lowercase();
    ["getdate", "sysdatetime", "current_timestamp", "sysdatetimeoffset"]
        .iter()
        .any(|clock| mentions(&text, clock))
}

fn defaults(table: &PlatformTable) -> impl Iterator<Item = (&str, &(String, String))> {
    table.columns.iter().filter_map(|column| Some((&*column.name, column.default.as_ref()?)))
}

fn quoted(name: &str) -> String {
    Dialect::Mssql.quoted(name)
}

fn list(columns: &[String]) -> String {
    columns.iter().map(|column| quoted(column)).collect::<Vec<_>>().join(", ")
}

/// Returns the type of a column as it is.
fn spelled(found: &PlatformColumn) -> String {
    let kind = found.kind.to_ascii_uppercase();
    match found.kind.as_str() {
        "nvarchar" | "nchar" if found.bytes > 0 => format!("{kind}({}){}", found.bytes / 2, collation(found)),
        "varchar" | "char" if found.bytes > 0 => format!("{kind}({}){}", found.bytes, collation(found)),
        "nvarchar" | "varchar" => format!("{kind}(MAX){}", collation(found)),
        "datetime2" => format!("{kind}({})", found.scale),
        _ => kind,
    }
}

/// Returns the type that holds every text of a column and any other of its length.
fn wide_text(found: &PlatformColumn, is_babelfish: bool) -> String {
    let length = match found.kind.as_str() {
        "varchar" | "char" if (1..=4_000).contains(&found.bytes) => found.bytes.to_string(),
        "nchar" => (found.bytes / 2).to_string(),
        _ => "MAX".to_owned(),
    };
    let collation = if is_babelfish { String::new() } else { collation(found) };
    format!("NVARCHAR({length}){collation}")
}

fn collation(found: &PlatformColumn) -> String {
    found.collation.as_ref().map_or_else(String::new, |name| format!(" COLLATE {name}"))
}

fn drop_constraint(table: &str, name: &str) -> String {
    format!("ALTER TABLE {} DROP CONSTRAINT {}", quoted(table), quoted(name))
}

fn add_foreign(key: &PlatformForeignKey) -> String {
    let [on_delete, on_update] = &key.actions;
    format!(
        "ALTER TABLE {table} {check} ADD CONSTRAINT {name} FOREIGN KEY ({columns}) REFERENCES {parent} ({references}) \
         ON DELETE {on_delete} ON UPDATE {on_update}{off}",
        table = quoted(&key.table),
        check = if key.enabled { "WITH CHECK" } else { "WITH NOCHECK" },
        name = quoted(&key.name),
        columns = list(&key.columns),
        parent = quoted(&key.parent),
        references = list(&key.references),
        off = switched_off(&key.table, &key.name, key.enabled),
    )
}

fn add_check(table: &str, check: &PlatformCheck) -> String {
    format!(
        "ALTER TABLE {} {} ADD CONSTRAINT {} CHECK {}{}",
        quoted(table),
        if check.enabled { "WITH CHECK" } else { "WITH NOCHECK" },
        quoted(&check.name),
        check.definition,
        switched_off(table, &check.name, check.enabled),
    )
}

fn switched_off(table: &str, name: &str, enabled: bool) -> String {
    if enabled {
        String::new()
    } else {
        format!("; ALTER TABLE {} NOCHECK CONSTRAINT {}", quoted(table), quoted(name))
    }
}

fn add_default(table: &str, name: &str, expression: &str, column: &str) -> String {
    format!(
        "ALTER TABLE {} ADD CONSTRAINT {} DEFAULT {expression} FOR {}",
        quoted(table),
        quoted(name),
        quoted(column)
    )
}

fn drop_index(table: &str, index: &PlatformIndex) -> String {
    if index.constraint {
        drop_constraint(table, &index.name)
    } else {
        format!("DROP INDEX {} ON {}", quoted(&index.name), quoted(table))
    }
}

fn make_index(table: &str, index: &PlatformIndex) -> String {
    let (table, name) = (quoted(table), quoted(&index.name));
    let clustered = if index.clustered == Some(true) { "CLUSTERED" } else { "NONCLUSTERED" };
    let key = |(column, descends): &(String, bool)| {
        format!("{}{}", quoted(column), if *descends { " DESC" } else { "" })
    };
    let keys = index.keys.iter().map(key).collect::<Vec<_>>().join(", ");
    let fill = match (index.fill_factor, index.padded) {
        (1.., true) => format!(" WITH (FILLFACTOR = {}, PAD_INDEX = ON)", index.fill_factor),
        (1.., false) => format!(" WITH (FILLFACTOR = {})", index.fill_factor),
        _ => String::new(),
    };
    if index.constraint {
        return format!("ALTER TABLE {table} ADD CONSTRAINT {name} UNIQUE {clustered} ({keys}){fill}");
    }
    let unique = if index.unique { "UNIQUE " } else { "" };
    let included = if index.included.is_empty() {
        String::new()
    } else {
        format!(" INCLUDE ({})", list(&index.included))
    };
    let filter = index.filter.as_ref().map_or_else(String::new, |filter| format!(" WHERE {filter}"));
    format!("CREATE {unique}{clustered} INDEX {name} ON {table} ({keys}){included}{filter}{fill}")
}
