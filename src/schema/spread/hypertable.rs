//! Tables of cold that TimescaleDB cuts into chunks by time: the profile, and the differences of a database from it.

use std::collections::BTreeMap;

use thermocline_database::schema::findings::{Difference, Finding};

use crate::tier::{Engine, Statement, TierError};

crate::queries! {
    /// Statements about chunked tables.
    pub mod sql = "hypertable" { Shared: "hypertable.sql", Postgres: "hypertable.postgres.sql" }
    [extension, dimensions]
}

/// Returns the statements of this module.
pub fn statements() -> Vec<Statement> {
    sql::all().into_iter().copied().collect()
}

/// The tables that are cut, by which column, and how long a chunk is. Those of posts are small, and their lists have no bounds of
/// time.
pub const PROFILE: [(&str, &str, &str); 2] =
    [("messages_archive", "created_at", "30 days"), ("stock_prices_history", "trade_date", "1 year")];

/// A table as TimescaleDB knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chunked {
    column: String,
    is_compressed: bool,
}

/// The chunked tables of a database that has TimescaleDB.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hypertables {
    /// The schema of the extension's functions. Tables may be in another one.
    schema: String,
    tables: BTreeMap<String, Chunked>,
}

/// Reads the chunked tables; `None` in a database without TimescaleDB.
pub async fn read<E: Engine + ?Sized>(engine: &E) -> Result<Option<Hypertables>, TierError> {
    let Some(schema) = engine.fetch(sql::extension(), &[]).await?.first().map(|record| record.text("schema"))
    else {
        return Ok(None);
    };
    let mut tables = BTreeMap::new();
    for record in engine.fetch(sql::dimensions(), &[]).await? {
        let chunked = Chunked { column: record.text("col")?, is_compressed: record.bool("is_compressed")? };
        tables.insert(record.text("tbl")?, chunked);
    }
    Ok(Some(Hypertables { schema: schema?, tables }))
}

/// Returns the statements that cut the tables which are not cut yet, with their rows.
pub fn plan(Hypertables { schema, tables }: &Hypertables) -> Vec<String> {
    let missing = PROFILE.iter().filter(|(table, ..)| !tables.contains_key(*table));
    let cut = |(table, column, length): &(&str, &str, &str)| {
        format!(
            "SELECT {schema}.create_hypertable('{table}', {schema}.by_range('{column}', INTERVAL '{length}'), \
             create_default_indexes => false, migrate_data => true)"
        )
    };
    missing.map(cut).collect()
}

/// Returns faults for tables that are cut in another way, and notes for compressed ones.
pub(super) fn differences(Hypertables { tables, .. }: &Hypertables) -> Vec<Finding> {
    let mut found = Vec::new();
    for (name, Chunked { column, is_compressed }) in tables {
        let finding = |fault, text| Finding { what: Difference::Placement, table: name.clone(), fault, text };
        match PROFILE.iter().find(|(table, ..)| table == name) {
            Some((_, meant, _)) if column != meant => {
                found.push(finding(true, format!("{name} is cut by {column}, not by {meant}")));
            }
            None => found.push(finding(true, format!("{name} is cut by {column}, and must not be cut"))),
            Some(_) if *is_compressed => {
                let text = format!(
                    "{name} is compressed: what is restored or erased there is unpacked whole, or refused"
                );
                found.push(finding(false, text));
            }
            Some(_) => {}
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tables(of: &[(&str, &str, bool)]) -> Hypertables {
        let chunked = |(table, column, is_compressed): &(&str, &str, bool)| {
            ((*table).to_owned(), Chunked { column: (*column).to_owned(), is_compressed: *is_compressed })
        };
        Hypertables { schema: "public".to_owned(), tables: of.iter().map(chunked).collect() }
    }

    #[test]
    fn only_what_is_not_cut_yet_is_cut() {
        assert_eq!(plan(&tables(&[])).len(), 2);
        let rest = plan(&tables(&[("messages_archive", "created_at", false)]));
        assert_eq!(rest.len(), 1);
        assert!(rest[0].starts_with(
            "SELECT public.create_hypertable('stock_prices_history', public.by_range('trade_date'"
        ));
        let whole = tables(&[
            ("messages_archive", "created_at", false),
            ("stock_prices_history", "trade_date", true),
        ]);
        assert_eq!(plan(&whole), Vec::<String>::new());
    }

    #[test]
    fn another_cut_is_a_fault_and_compression_a_note() {
        let faults = |of: &[(&str, &str, bool)]| -> Vec<bool> {
            differences(&tables(of)).iter().map(|finding| finding.fault).collect()
        };
        assert!(faults(&[("messages_archive", "created_at", false)]).is_empty());
        assert_eq!(faults(&[("messages_archive", "archived_at", false)]), [true]);
        assert_eq!(faults(&[("posts_archive", "created_at", false)]), [true]);
        assert_eq!(faults(&[("stock_prices_history", "trade_date", true)]), [false]);
    }
}
