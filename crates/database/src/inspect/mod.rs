//! What a database holds of the tables that were asked for, read from its catalogs: six statements, however many tables
//! there are, and no row of any other table comes back, unless it names rows of these. Two are enough for the
//! [`outline`] that the mover asks for before every run.

use std::collections::BTreeSet;

use super::{Engine, Record, Tier, TierError, Value};
use crate::schema::Dialect;
use crate::schema::findings::{Live, Outline, Trigger};
use crate::schema::model::{ColumnModel, ForeignKey, IndexModel, Model, TableModel};

crate::queries! {
    /// Statements that read catalogs.
    pub mod sql = "inspect" {
        Shared: "queries.sql",
        Sqlite: "queries.sqlite.sql",
        Postgres: "queries.postgres.sql",
        Mssql: "queries.mssql.sql",
    }
    [server, tables, columns, indexes, foreign_keys, triggers, outline]
}

/// A server, or the library that is one.
#[derive(Clone, Debug)]
pub struct Server {
    /// Its kind.
    pub dialect: Dialect,
    /// Its name and version, on one line.
    pub version: String,
    /// Whether snapshot isolation is on, where that is a question.
    pub snapshots: Option<bool>,
    /// Bytes of the database, where it says.
    pub bytes: Option<i64>,
    /// Minutes that its clock is ahead of UTC, where defaults can depend on it.
    pub ahead: Option<i64>,
}

/// How much a table holds, as the catalogs estimate.
#[derive(Clone, Debug)]
pub struct Size {
    /// The table.
    pub table: String,
    /// Rows, where the catalog counts them.
    pub rows: Option<i64>,
    /// Bytes, indexes included, where the catalog counts them.
    pub bytes: Option<i64>,
}

/// Asks a server what it is.
pub async fn server<E: Engine + ?Sized>(engine: &E) -> Result<Server, TierError> {
    let records = engine.fetch(sql::server(), &[]).await?;
    let fault = |source: String| TierError::Statement {
        tier: engine.tier(),
        statement: sql::server().name,
        source: source.into(),
    };
    let record = records.first().ok_or_else(|| fault("it does not say what it is".to_owned()))?;
    let name = record.text("engine")?;
    Ok(Server {
        dialect: Dialect::named(&name).ok_or_else(|| fault(format!("{name} is no engine")))?,
        version: record.text("version")?.split_whitespace().collect::<Vec<_>>().join(" "),
        snapshots: record.bool_or_null("snapshots")?,
        bytes: record.int_or_null("bytes")?,
        ahead: record.int_or_null("ahead")?,
    })
}

/// How much each of these tables holds; a table that is not there is left out.
async fn sizes<E: Engine + ?Sized>(engine: &E, tables: &[&str]) -> Result<Vec<Size>, TierError> {
    let records = engine.fetch(sql::tables(), &[names(tables)]).await?;
    let size = |record: &Record| {
        Ok(Size {
            table: record.text("tbl")?,
            rows: record.int_or_null("n")?,
            bytes: record.int_or_null("bytes")?,
        })
    };
    records.iter().map(size).collect()
}

/// Everything there is to say of a server and these tables.
#[derive(Clone, Debug)]
pub struct Survey {
    /// The server.
    pub server: Server,
    /// The tables.
    pub live: Live,
    /// How much each of them holds; one that is not there is left out.
    pub sizes: Vec<Size>,
}

/// Asks a server what it is, and reads these tables and how much they hold.
pub async fn survey<E: Engine + ?Sized>(engine: &E, tables: &[&str]) -> Result<Survey, TierError> {
    let server = server(engine).await?;
    let live = read(engine, &server, tables).await?;
    Ok(Survey { server, live, sizes: sizes(engine, tables).await? })
}

/// Reads these tables.
pub async fn inspect<E: Engine + ?Sized>(engine: &E, tables: &[&str]) -> Result<Live, TierError> {
    read(engine, &server(engine).await?, tables).await
}

async fn read<E: Engine + ?Sized>(engine: &E, server: &Server, tables: &[&str]) -> Result<Live, TierError> {
    let (dialect, ahead) = (server.dialect, server.ahead);
    let names = [names(tables)];
    let mut model = Model::default();
    for record in engine.fetch(sql::columns(), &names).await? {
        column((engine.tier(), dialect), &record, &mut model)?;
    }
    for table in &mut model.tables {
        sort_key(table);
    }
    // A primary key comes with the columns or among the indexes, as the engine finds it more cheaply.
    // A row a column: those of one index come together.
    let mut last = None;
    for record in engine.fetch(sql::indexes(), &names).await? {
        let place = (record.text("tbl")?, record.int("place")?);
        let Some(table) = model.table_mut(&place.0) else { continue };
        if record.bool("is_primary")? {
            table.key.push(record.text("col")?);
            continue;
        }
        if last.as_ref() != Some(&place) {
            table.indexes.push(index(dialect, &record, &place.0)?);
        }
        if let Some(index) = table.indexes.last_mut() {
            let column = record.text_or_null("col")?.unwrap_or_else(|| "(expression)".to_owned());
            index.columns.push((column, record.bool("descends")?));
        }
        last = Some(place);
    }
    for table in &mut model.tables {
        table.indexes.iter_mut().for_each(|index| name_constraint(&table.name, index));
    }
    let mut inbound = Vec::new();
    for (name, key) in foreign_keys(engine, &names).await? {
        match model.table_mut(&name) {
            Some(table) => table.foreign.push(key),
            None => inbound.push((name, key)),
        }
    }
    let mut triggers = Vec::new();
    for record in engine.fetch(sql::triggers(), &names).await? {
        let (table, name) = (record.text("tbl")?, record.text("trg")?);
        triggers.push(Trigger { table, name, always: record.bool("fires_always")? });
    }
    Ok(Live { dialect, model, inbound, triggers, ahead })
}

/// Reads of these tables what moving their rows depends on.
pub async fn outline(engine: &dyn Engine, tables: &[&str]) -> Result<Outline, TierError> {
    let names = [names(tables)];
    let mut outline = Outline::default();
    for record in engine.fetch(sql::outline(), &names).await? {
        let table = record.text("tbl")?;
        match record.text_or_null("col")? {
            Some(column) => outline.columns.push((table, column)),
            None => outline.triggers.push((table, record.text("trg")?)),
        }
    }
    outline.foreign = foreign_keys(engine, &names).await?;
    Ok(outline)
}

/// The foreign keys of these tables and those that refer to them, with their table.
async fn foreign_keys<E: Engine + ?Sized>(
    engine: &E,
    names: &[Value],
) -> Result<Vec<(String, ForeignKey)>, TierError> {
    let mut keys: Vec<(String, ForeignKey)> = Vec::new();
    // A row a column: those of one key come together.
    let mut last = None;
    for record in engine.fetch(sql::foreign_keys(), names).await? {
        let place = (record.text("tbl")?, record.int("place")?);
        if last.as_ref() != Some(&place) {
            let key = ForeignKey {
                name: record.text_or_null("fk")?,
                columns: Vec::new(),
                table: record.text("parent")?,
                references: Vec::new(),
                cascades: record.bool("cascades")?,
            };
            keys.push((place.0.clone(), key));
        }
        if let Some((_, key)) = keys.last_mut() {
            key.columns.push(record.text("col")?);
            key.references.push(record.text("parent_col")?);
        }
        last = Some(place);
    }
    Ok(keys)
}

/// Names as a parameter, each once.
fn names(tables: &[&str]) -> Value {
    let tables: BTreeSet<&str> = tables.iter().copied().collect();
    let tables: Vec<&str> = tables.into_iter().collect();
    Value::from(serde_json::Value::from(tables).to_string().as_str())
}

fn column((tier, dialect): (Tier, Dialect), record: &Record, model: &mut Model) -> Result<(), TierError> {
    let (name, place) = (record.text("tbl")?, record.int("place")?);
    let kind = match dialect {
        Dialect::Mssql => spelled(record)?,
        Dialect::Sqlite | Dialect::Postgres => record.text("typ")?,
    };
    let column = ColumnModel {
        name: record.text("col")?,
        kind: match tier {
            Tier::Hot => dialect.read_platform_type(&kind),
            Tier::Cold => dialect.read_type(&kind),
        },
        nullable: record.bool("nullable")?,
        default: record.text_or_null("preset")?.map(|text| dialect.read_default(&text)),
        identity: record.bool("is_identity")?,
    };
    if model.table(&name).is_none() {
        model.tables.push(TableModel {
            name: name.clone(),
            columns: Vec::new(),
            key: Vec::new(),
            indexes: Vec::new(),
            foreign: Vec::new(),
            rows: Vec::new(),
        });
    }
    if let Some(table) = model.table_mut(&name) {
        if place > 0 {
            table.key.push(format!("{place:04} {}", column.name));
        }
        table.columns.push(column);
    }
    Ok(())
}

/// A type of SQL Server as a definition spells it, with its collation where that compares bytes.
fn spelled(record: &Record) -> Result<String, TierError> {
    let (name, bytes, scale) = (record.text("typ")?, record.int("bytes")?, record.int("scale")?);
    let mut text = match name.as_str() {
        "nvarchar" | "varchar" | "varbinary" if bytes == -1 => format!("{name}(max)"),
        "nvarchar" | "nchar" => format!("{name}({})", bytes / 2),
        "varchar" | "char" | "varbinary" | "binary" => format!("{name}({bytes})"),
        "datetime2" | "datetimeoffset" => format!("{name}({scale})"),
        "decimal" | "numeric" => format!("{name}({},{scale})", record.int("digits")?),
        _ => name,
    };
    if record.text_or_null("coll")?.is_some_and(|name| name.to_ascii_uppercase().ends_with("BIN2")) {
        text.push_str(" collate latin1_general_bin2");
    }
    Ok(text)
}

/// Columns of the key came in the order of the table, each with its place in the key before it.
fn sort_key(table: &mut TableModel) {
    table.key.sort_unstable();
    for name in &mut table.key {
        name.drain(..5);
    }
}

fn index(dialect: Dialect, record: &Record, table: &str) -> Result<IndexModel, TierError> {
    let name = record.text_or_null("idx")?.unwrap_or_default();
    Ok(IndexModel {
        name: given_name(&name, table).to_owned(),
        columns: Vec::new(),
        unique: record.bool("is_unique")?,
        constraint: record.bool("is_constraint")?,
        only: record.text_or_null("predicate")?.map(|text| dialect.read_predicate(&text)),
    })
}

/// The name an index was given: Babelfish appends the table's, cut so that 63 characters are not passed, and 32
/// hexadecimal digits.
pub(crate) fn given_name<'a>(name: &'a str, table: &str) -> &'a str {
    let Some((front, digits)) = name.len().checked_sub(32).and_then(|at| name.split_at_checked(at)) else {
        return name;
    };
    if !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return name;
    }
    let shortest = if name.len() == 63 { 1 } else { table.len() };
    let mut cuts = (shortest..=table.len()).rev().filter_map(|cut| table.get(..cut));
    let given = cuts.find_map(|table| front.strip_suffix(table)).unwrap_or(name);
    if given.is_empty() { name } else { given }
}

/// A constraint without a name is called after its columns, as this program calls them.
fn name_constraint(table: &str, index: &mut IndexModel) {
    if index.name.is_empty() {
        let columns: Vec<&str> = index.columns.iter().map(|(name, _)| name.as_str()).collect();
        index.name = format!("{table}_{}", columns.join("_"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lengthened_name_is_read_as_it_was_given() {
        for (name, table, given) in [
            ("messages_key", "messages", "messages_key"),
            ("posts_keypostsde1b6cade341adbb98f0dcfd420d801f", "posts", "posts_key"),
            (
                "conversations_user2conversationde1b6cade341adbb98f0dcfd420d801f",
                "conversations",
                "conversations_user2",
            ),
            ("deadbeefdeadbeefdeadbeefdeadbeefdeadbeef", "posts", "deadbeefdeadbeefdeadbeefdeadbeefdeadbeef"),
        ] {
            assert_eq!(given_name(name, table), given);
        }
    }
}
