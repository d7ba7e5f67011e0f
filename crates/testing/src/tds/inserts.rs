//! The rule for the texts that insert rows, which the program generates.
//!
//! Such a text is known if it is exactly what this module builds from the table and the columns it names: rows of one
//! JSON parameter, or a parameter for each value, with the types of the declaration; where the first column is `id`,
//! between two switches for tables that generate their ids.

use serde_json::Value as Json;
use thermocline::clock::Timestamp;

use super::registry::declared;
use super::values::{Declared, Param};

/// Rows for a table.
#[derive(Debug, PartialEq, Eq)]
pub struct Insert {
    /// `insert <table>`
    pub name: String,
    /// Inserts one row.
    pub sqlite: String,
    pub rows: Vec<Vec<Param>>,
}

impl Insert {
    /// Parses `text`, if it follows the rule.
    pub fn read(text: &str, params: &[Param]) -> Option<Result<Self, String>> {
        let (_, rest) = text.split_once("INSERT INTO ")?;
        let (table, rest) = rest.split_once(" (")?;
        let (list, _) = rest.split_once(')')?;
        let columns: Vec<(&str, Declared)> =
            list.split(", ").map(|name| Some((name, declared("insert", name)?))).collect::<Option<_>>()?;
        let rows = if text == with_ids(table, &columns, &from_json(table, list, &columns)) {
            json_rows(&columns, params)
        } else if text == with_ids(table, &columns, &from_values(table, list, &columns, params)) {
            Ok(params.chunks(columns.len()).map(<[Param]>::to_vec).collect())
        } else {
            return None;
        };
        let places: Vec<String> = (1..=columns.len()).map(|n| format!("?{n}")).collect();
        let sqlite = format!("INSERT INTO {table} ({list}) VALUES ({})", places.join(", "));
        Some(rows.map(|rows| Self { name: format!("insert {table}"), sqlite, rows }))
    }
}

fn from_json(table: &str, list: &str, columns: &[(&str, Declared)]) -> String {
    let typed: Vec<String> = (1..)
        .zip(columns)
        .map(|(place, (name, declared))| format!(", {name} {} '$[{place}]'", declared.name()))
        .collect();
    format!(
        "INSERT INTO {table} ({list}) SELECT {list} FROM OPENJSON(@P1) WITH (row_number_ BIGINT '$[0]'{typed}) \
         ORDER BY row_number_;",
        typed = typed.concat(),
    )
}

fn from_values(table: &str, list: &str, columns: &[(&str, Declared)], params: &[Param]) -> String {
    let cast = |n: usize| {
        let declared = columns[n % columns.len()].1;
        let has_type = matches!(declared, Declared::Int | Declared::BigInt | Declared::Bit);
        match &params[n] {
            // A null without a type on the wire is written out.
            Param::Null if !has_type => format!("CAST(CAST(NULL AS {0}) AS {0})", declared.name()),
            _ => format!("CAST(@P{} AS {})", n + 1, declared.name()),
        }
    };
    let casts: Vec<String> = (0..params.len()).map(cast).collect();
    let rows: Vec<String> = casts.chunks(columns.len()).map(|row| format!("({})", row.join(", "))).collect();
    format!("INSERT INTO {table} ({list}) VALUES {};", rows.join(", "))
}

fn with_ids(table: &str, columns: &[(&str, Declared)], insert: &str) -> String {
    if columns[0].0 != "id" {
        return insert.to_owned();
    }
    let is_drawn = format!(
        "IF EXISTS (SELECT 1 FROM sys.columns WHERE object_id = OBJECT_ID(N'{table}') AND is_identity = 1) \
         SET IDENTITY_INSERT {table}"
    );
    format!("{is_drawn} ON; {insert} {is_drawn} OFF;")
}

/// Returns the rows of a JSON list of lists, in the order of the numbers they begin with.
fn json_rows(columns: &[(&str, Declared)], params: &[Param]) -> Result<Vec<Vec<Param>>, String> {
    let [Param::Text(json)] = params else { return Err("rows that are no text".to_owned()) };
    let rows: Vec<Vec<Json>> = serde_json::from_str(json).map_err(|error| error.to_string())?;
    let mut numbered = Vec::new();
    for row in rows {
        let (Some(number), true) = (row.first().and_then(Json::as_i64), row.len() == columns.len() + 1)
        else {
            return Err("a row without a number or a value".to_owned());
        };
        let values = columns.iter().zip(&row[1..]).map(|((name, declared), value)| {
            param(*declared, value).ok_or_else(|| format!("{name} is {value}"))
        });
        numbered.push((number, values.collect::<Result<Vec<_>, _>>()?));
    }
    numbered.sort_by_key(|(number, _)| *number);
    Ok(numbered.into_iter().map(|(_, row)| row).collect())
}

fn param(declared: Declared, value: &Json) -> Option<Param> {
    // DATETIME2 and DATE have no offset.
    let instant = |text: &str| format!("{text}Z").parse::<Timestamp>().ok().map(Timestamp::micros);
    Some(match (declared, value) {
        (_, Json::Null) => Param::Null,
        (Declared::Int | Declared::BigInt, value) => Param::Int(value.as_i64()?),
        (Declared::Bit, value) => Param::Bit(value.as_bool()?),
        (Declared::Text(_) | Declared::LongText, Json::String(text)) => Param::Text(text.clone()),
        (Declared::DateTime2, Json::String(text)) => Param::Time(instant(text)?),
        (Declared::Date, Json::String(text)) => Param::Date(instant(&format!("{text}T00:00:00"))?),
        (Declared::Price, Json::String(text)) => Param::Price(text.parse().ok()?),
        _ => return None,
    })
}
