//! Reads the tables of a platform from the catalogs of a SQL Server, and how they would be adopted.

use tiberius::Row;

use super::Mssql;
use super::connect::{Connection, Role};
use crate::adoption::plan::{nullable_columns, plan};
use crate::adoption::platform::{
    Platform, PlatformCheck, PlatformColumn, PlatformForeignKey, PlatformIndex, PlatformTable,
};
use crate::adoption::{
    Adoption, Preparation, RowCounts, count_nulls, count_orphans, missing_keys, prepare_keys,
};
use crate::schema::Dialect;
use crate::schema::model::Model;
use crate::texts::Text;
use crate::{Engine as _, Record, TierError};

/// A question to the catalogs; `{tables}` stands for the names of the tables as a JSON list.
struct Question {
    name: &'static str,
    purpose: &'static str,
    sql: &'static str,
}

const SERVER: Question = Question {
    name: "adoption.server",
    purpose: "Tells whether the server is Babelfish, and how far its clock is ahead of UTC.",
    sql: include_str!("platform/server.sql"),
};
const COLUMNS: Question = Question {
    name: "adoption.columns",
    purpose: "Reads the columns of a platform's tables.",
    sql: include_str!("platform/columns.sql"),
};
const INDEXES: Question = Question {
    name: "adoption.indexes",
    purpose: "Reads the indexes of a platform's tables, a row for each column.",
    sql: include_str!("platform/indexes.sql"),
};
const CHECKS: Question = Question {
    name: "adoption.checks",
    purpose: "Reads the check constraints of a platform's tables.",
    sql: include_str!("platform/checks.sql"),
};
const FOREIGN_KEYS: Question = Question {
    name: "adoption.foreign_keys",
    purpose: "Reads the foreign keys of a platform's tables, a row for each column.",
    sql: include_str!("platform/foreign_keys.sql"),
};
const STATISTICS: Question = Question {
    name: "adoption.statistics",
    purpose: "Reads the statistics that were created on a platform's tables. Babelfish has none, and is not asked.",
    sql: include_str!("platform/statistics.sql"),
};

impl Question {
    fn text(&self, tables: &[&str]) -> String {
        let tables = serde_json::Value::from(tables).to_string();
        self.sql.trim_end().replace("{tables}", &tables)
    }
}

impl Mssql {
    /// Reads the tables of a platform, as far as their names are declared.
    pub async fn platform(&self) -> Result<Platform, TierError> {
        let mut connection = Connection::open(&self.address, Role::Migrator, false)
            .await
            .map_err(|error| self.refused("adoption.columns", error))?;
        let names: Vec<&str> = self.schema.tables.iter().map(|table| table.name).collect();
        let platform = Asking { connection: &mut connection, of: self }.platform(&names).await;
        connection.abandon().await;
        platform
    }
}

/// A connection that asks the catalogs.
pub(super) struct Asking<'a> {
    pub connection: &'a mut Connection,
    pub of: &'a Mssql,
}

impl Asking<'_> {
    /// Returns how the platform's tables would be adopted.
    pub async fn preparation(&mut self, adoption: &Adoption) -> Result<Preparation, TierError> {
        let declared = Model::of(self.of.schema.tables);
        let names: Vec<&str> = declared.tables.iter().map(|table| &*table.name).collect();
        let platform = self.platform(&names).await?;
        let nulls = count_nulls(Dialect::Mssql, &nullable_columns(&platform, &declared));
        let nulls = self.counts("adoption.nulls", nulls).await?;
        let keys = missing_keys(&platform, &declared);
        let orphans = self.counts("adoption.orphans", count_orphans(Dialect::Mssql, &keys)).await?;
        let mut done = plan(&platform, &declared, &nulls, adoption);
        prepare_keys((Dialect::Mssql, platform.is_babelfish), &keys, &orphans, &mut done);
        Ok(done)
    }

    /// Returns the number of rows that a text, if there is one, counts for each table and column.
    async fn counts(&mut self, name: &'static str, text: Option<String>) -> Result<RowCounts, TierError> {
        let mut counts = RowCounts::new();
        let Some(text) = text else { return Ok(counts) };
        for record in self.rows(name, &text).await? {
            counts.insert((record.text("tbl")?, record.text("col")?), record.int("n")?);
        }
        Ok(counts)
    }

    async fn platform(&mut self, tables: &[&str]) -> Result<Platform, TierError> {
        let mut platform = Platform::default();
        for record in self.ask(&SERVER, tables).await? {
            platform.is_babelfish = record.bool("is_babelfish")?;
            platform.ahead = record.int("ahead")?;
        }
        for record in self.ask(&COLUMNS, tables).await? {
            platform.tables.entry(record.text("tbl")?).or_default().columns.push(column(&record)?);
        }
        self.indexes(tables, &mut platform).await?;
        for record in self.ask(&CHECKS, tables).await? {
            let Some(table) = platform.tables.get_mut(&record.text("tbl")?) else { continue };
            table.checks.push(PlatformCheck {
                name: record.text("constraint_name")?,
                definition: record.text("definition")?,
                enabled: !record.bool("is_disabled")?,
            });
        }
        self.foreign_keys(tables, &mut platform).await?;
        if !platform.is_babelfish {
            for record in self.ask(&STATISTICS, tables).await? {
                let Some(table) = platform.tables.get_mut(&record.text("tbl")?) else { continue };
                add_statistics(table, record.text("stat")?, record.text("col")?);
            }
        }
        Ok(platform)
    }

    async fn indexes(&mut self, tables: &[&str], platform: &mut Platform) -> Result<(), TierError> {
        // A row a column: those of one index come together.
        let mut last = None;
        for record in self.ask(&INDEXES, tables).await? {
            let place = (record.text("tbl")?, record.int("place")?);
            let Some(table) = platform.tables.get_mut(&place.0) else { continue };
            if last.as_ref() != Some(&place) {
                table.indexes.push(index(&record, &place.0)?);
            }
            if let (Some(index), Some(column)) = (table.indexes.last_mut(), record.text_or_null("col")?) {
                if record.bool("is_included")? {
                    index.included.push(column);
                } else {
                    index.keys.push((column, record.bool("descends")?));
                }
            }
            last = Some(place);
        }
        Ok(())
    }

    async fn foreign_keys(&mut self, tables: &[&str], platform: &mut Platform) -> Result<(), TierError> {
        let mut last = None;
        for record in self.ask(&FOREIGN_KEYS, tables).await? {
            let place = (record.text("tbl")?, record.int("place")?);
            let table = platform.tables.entry(place.0.clone()).or_default();
            if last.as_ref() != Some(&place) {
                table.foreign.push(PlatformForeignKey {
                    name: record.text("fk")?,
                    table: place.0.clone(),
                    columns: Vec::new(),
                    parent: record.text("parent")?,
                    references: Vec::new(),
                    actions: [action(record.int("on_delete")?), action(record.int("on_update")?)],
                    enabled: !record.bool("is_disabled")?,
                });
            }
            if let Some(key) = table.foreign.last_mut() {
                key.columns.push(record.text("col")?);
                key.references.push(record.text("parent_col")?);
            }
            last = Some(place);
        }
        Ok(())
    }

    async fn ask(&mut self, question: &Question, tables: &[&str]) -> Result<Vec<Record>, TierError> {
        let text = question.text(tables);
        self.rows(question.name, &text).await
    }

    async fn rows(&mut self, name: &'static str, text: &str) -> Result<Vec<Record>, TierError> {
        let rows = self.connection.batch(text).await;
        let rows: Vec<Row> = rows.map_err(|error| self.of.refused(name, error))?;
        Ok(rows.into_iter().map(|row| Record::mssql(row, self.of.tier(), name)).collect())
    }
}

fn column(record: &Record) -> Result<PlatformColumn, TierError> {
    let default = record.text_or_null("default_name")?.zip(record.text_or_null("preset")?);
    Ok(PlatformColumn {
        name: record.text("col")?,
        kind: record.text("typ")?.to_ascii_lowercase(),
        bytes: record.int("bytes")?,
        scale: record.int("scale")?,
        collation: record.text_or_null("coll")?,
        nullable: record.bool("nullable")?,
        identity: record.bool("is_identity")?,
        computed: record.text_or_null("computed")?,
        default,
    })
}

fn index(record: &Record, table: &str) -> Result<PlatformIndex, TierError> {
    let name = record.text_or_null("idx")?.unwrap_or_default();
    Ok(PlatformIndex {
        name: crate::inspect::given_name(&name, table).to_owned(),
        clustered: match record.int("kind")? {
            1 => Some(true),
            2 => Some(false),
            _ => None,
        },
        primary: record.bool("is_primary")?,
        unique: record.bool("is_unique")?,
        constraint: record.bool("is_constraint")?,
        keys: Vec::new(),
        included: Vec::new(),
        filter: record.text_or_null("predicate")?,
        fill_factor: record.int("fill_factor")?,
        padded: record.bool("is_padded")?,
    })
}

fn action(number: i64) -> String {
    ["NO ACTION", "CASCADE", "SET NULL", "SET DEFAULT"]
        .get(usize::try_from(number).unwrap_or(0))
        .map_or("NO ACTION", |name| name)
        .to_owned()
}

fn add_statistics(table: &mut PlatformTable, name: String, column: String) {
    match table.statistics.last_mut() {
        Some((last, columns)) if *last == name => columns.push(column),
        _ => table.statistics.push((name, vec![column])),
    }
}

/// Returns the questions to the catalogs, as they are sent for the tables of hot.
pub(super) fn texts() -> Vec<Text> {
    let tables = ["users", "messages"];
    [SERVER, COLUMNS, INDEXES, CHECKS, FOREIGN_KEYS, STATISTICS]
        .iter()
        .map(|question| Text::new(question.name, question.purpose, question.text(&tables)))
        .collect()
}
