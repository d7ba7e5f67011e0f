//! `thermocline db statements`

use clap::builder::{PossibleValuesParser, TypedValueParser};
use serde::Serialize;

use super::downgrade;
use crate::cli::failure::Failure;
use crate::cli::output::print_json;
use crate::cli::tier_report;
use crate::resources::registry;
use crate::schema::{self, Column, ColumnType, Dialect};
use crate::tier::texts::{self, Text};
use crate::tier::{Statement, Tier, migrate};
use crate::web::auth;
use crate::{adopt, archive, export, journal, load, ops, tier};

/// Print every statement the program can send, as it is sent
///
/// Shows each with its name, its tier, its purpose, its parameters and the index that serves it. A statement that serves several
/// tables is listed once for each. No database is asked.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  thermocline db statements --engine mssql --json")]
pub struct Args {
    /// Which engine's texts
    #[arg(long, value_parser = engine())]
    engine: Dialect,
}

#[derive(Debug, Serialize)]
struct Listing {
    statements: Vec<Listed>,
}

#[derive(Debug, Serialize)]
struct Listed {
    name: String,
    tier: &'static str,
    purpose: String,
    sql: String,
    parameters: Vec<Parameter>,
    index: String,
}

#[derive(Debug, Serialize)]
struct Parameter {
    place: usize,
    name: String,
    #[serde(rename = "type")]
    kind: &'static str,
}

/// Runs the command.
pub fn run(args: &Args, json: bool) -> Result<(), Failure> {
    let statements = all(args.engine);
    if json {
        return print_json(&Listing { statements });
    }
    for Listed { name, tier, purpose, sql, parameters, index } in statements {
        outln!("-- {name} ({tier})\n-- {purpose}");
        if !parameters.is_empty() {
            let shown =
                parameters.iter().map(|Parameter { place, name, kind }| format!("{place} {name}: {kind}"));
            outln!("-- parameters: {}", shown.collect::<Vec<_>>().join("; "));
        }
        outln!("-- index: {index}");
        // The text of a query begins with its name.
        let bare = name.split(" (").next().unwrap_or_default();
        let text = sql.strip_prefix(&format!("-- {bare}\n")).unwrap_or(&sql);
        outln!("{};\n", text.trim_end().trim_end_matches(';'));
    }
    Ok(())
}

/// Returns every statement for an engine, sorted by name, without duplicates.
fn all(dialect: Dialect) -> Vec<Listed> {
    let families = registry::families();
    let named = [
        tier::statements().into_iter().copied().collect(),
        journal::statements(),
        registry::RESOURCES.iter().flat_map(|resource| resource.statements()).collect(),
        archive::statements(&families),
        load::statements(),
        export::statements(),
        adopt::statements(),
        ops::health::statements(),
        ops::sampling::statements(),
        auth::statements(),
        schema::spread::statements(),
        tier_report::statements(),
        downgrades(dialect),
    ];
    let mut listed: Vec<Listed> =
        named.iter().flatten().filter_map(|one| of_statement(dialect, one)).collect();
    listed.extend(texts::of_engine(dialect).into_iter().map(|text| of_text(dialect, text)));
    for (name, table, columns) in inserted(dialect) {
        listed.extend(
            texts::of_insert(dialect, &name, table, &columns).into_iter().map(|text| of_text(dialect, text)),
        );
    }
    listed.extend(migrations(dialect));
    // Several modules return the same statement.
    listed.sort_by(|a, b| (&a.name, &a.sql).cmp(&(&b.name, &b.sql)));
    listed.dedup_by(|a, b| a.name == b.name && a.sql == b.sql);
    listed
}

/// Parses the name of an engine.
fn engine() -> impl TypedValueParser<Value = Dialect> {
    PossibleValuesParser::new(Dialect::ALL.map(Dialect::name))
        .try_map(|name| Dialect::named(&name).ok_or("not an engine"))
}

/// Returns the statements of `db downgrade`.
fn downgrades(dialect: Dialect) -> Vec<Statement> {
    let steps = [Tier::Hot, Tier::Cold].map(|tier| schema::of(tier).steps(dialect));
    steps.into_iter().flat_map(downgrade::statements).collect()
}

fn of_statement(dialect: Dialect, statement: &Statement) -> Option<Listed> {
    let sql = match dialect {
        Dialect::Sqlite => statement.for_sqlite(),
        Dialect::Postgres => statement.for_postgres(),
        Dialect::Mssql => statement.for_mssql(),
    };
    let about = statement.about()?;
    let name = match statement.subject() {
        Some(subject) if !statement.name.starts_with(&format!("{subject}.")) => {
            format!("{} ({subject})", statement.name)
        }
        _ => statement.name.to_owned(),
    };
    let parameters = about.parameters.split(", ").filter(|one| !one.is_empty()).zip(1..);
    let parameters = parameters.map(|(one, place)| {
        let (name, word) = one.rsplit_once(' ').unwrap_or((one, ""));
        Parameter { place, name: name.to_owned(), kind: texts::type_of(dialect, word).unwrap_or_default() }
    });
    Some(Listed {
        name,
        tier: about.tier,
        purpose: about.purpose.to_owned(),
        sql: sql?.to_owned(),
        parameters: parameters.collect(),
        index: about.index.to_owned(),
    })
}

fn of_text(dialect: Dialect, text: Text) -> Listed {
    let Text { name, purpose, sql, parameters } = text;
    let parameters =
        parameters.into_iter().zip(1..).map(|((name, kind), place)| Parameter { place, name, kind });
    let tier = match dialect {
        Dialect::Sqlite | Dialect::Postgres => "both",
        Dialect::Mssql => "hot",
    };
    Listed { name, tier, purpose, sql, parameters: parameters.collect(), index: "none".to_owned() }
}

/// The columns of an insert.
type Inserted = (String, &'static str, Vec<(&'static str, ColumnType)>);

/// Returns the bulk inserts for an engine, each with its name in the listing, its table and its columns.
fn inserted(dialect: Dialect) -> Vec<Inserted> {
    let typed =
        |columns: &[&'static Column]| columns.iter().map(|column| (column.name, column.kind)).collect();
    let mut inserted: Vec<Inserted> = Vec::new();
    for table in registry::RESOURCES.iter().flat_map(|resource| resource.tables) {
        let columns: Vec<&Column> = table.columns.iter().collect();
        inserted.push((table.name.to_owned(), table.name, typed(&columns)));
        if columns[0].identity {
            inserted.push((format!("{} (new ids)", table.name), table.name, typed(&columns[1..])));
        }
    }
    if dialect != Dialect::Mssql {
        for table in
            registry::RESOURCES.iter().flat_map(|resource| resource.cold.iter().chain(resource.blocks))
        {
            // Other columns are numbered by the engine, or set later.
            let left_out =
                |column: &Column| column.identity || ["to_epoch", "metadata"].contains(&column.name);
            let columns: Vec<&Column> = table.columns.iter().filter(|column| !left_out(column)).collect();
            inserted.push((table.name.to_owned(), table.name, typed(&columns)));
        }
    }
    inserted
}

/// Returns the texts of the migrations, as they are sent: whole, or for SQL Server in batches.
fn migrations(dialect: Dialect) -> Vec<Listed> {
    let mut listed = Vec::new();
    for tier in [Tier::Hot, Tier::Cold] {
        let schema = schema::of(tier);
        for step in schema.steps(dialect).iter().chain(schema.live_steps(dialect)) {
            for (way, verb, text) in [("up", "Applies", step.up()), ("down", "Takes back", step.down())] {
                let parts = if dialect == Dialect::Mssql { migrate::batches(text) } else { vec![] };
                let texts: Vec<&str> =
                    if parts.len() > 1 { parts.iter().map(|part| part.text).collect() } else { vec![text] };
                for (sql, number) in texts.iter().zip(1..) {
                    let batch = if texts.len() > 1 { format!(" (batch {number})") } else { String::new() };
                    listed.push(Listed {
                        name: format!("migration.{tier}.{}.{way}{batch}", step.name()),
                        tier: tier.name(),
                        purpose: format!("{verb} migration {} of the {tier} tier.", step.name()),
                        sql: (*sql).to_owned(),
                        parameters: Vec::new(),
                        index: "none".to_owned(),
                    });
                }
            }
        }
    }
    listed
}
