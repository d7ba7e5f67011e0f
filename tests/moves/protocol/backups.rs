//! Backups of whole databases, restored in place or elsewhere.

use thermocline::schema::{Column, StorageForm, Table, cold, hot};
use thermocline::tier::{Begin, Engine, Record, Tier, Value};

use super::databases::same_text;

/// The rows of each table.
pub struct Saved(Vec<(&'static Table, Vec<Vec<Value>>)>);

/// Returns the columns of a table except documents, which no move writes, and the row numbers of cold, of which only
/// the order matters.
fn columns(table: &Table, tier: Tier) -> Vec<Column> {
    let is_saved =
        |column: &&Column| column.form != StorageForm::Json && !(column.identity && tier == Tier::Cold);
    table.columns.iter().filter(is_saved).copied().collect()
}

impl Saved {
    /// Reads what is committed.
    pub async fn of(engine: &dyn Engine) -> Self {
        let tables: &[&Table] = if engine.tier() == Tier::Hot { &hot::TABLES } else { &cold::TABLES };
        let mut session = engine.session().await.expect("a session");
        session.begin(Begin::Read).await.expect("an instant");
        let mut saved = Vec::new();
        for table in tables {
            let columns = columns(table, engine.tier());
            // A narrow integer is read as any other.
            let selected = columns.iter().map(|column| match column.form {
                StorageForm::Small => format!("CAST({0} AS BIGINT) AS {0}", column.name),
                _ => column.name.to_owned(),
            });
            let selected = selected.collect::<Vec<_>>().join(", ");
            let identity = table.columns.iter().find(|column| column.identity);
            let order = identity.map_or_else(String::new, |column| format!(" ORDER BY {}", column.name));
            let text = format!("SELECT {selected} FROM {}{order}", table.name);
            let records = session.fetch(&same_text(&text), &[]).await.expect("an answer");
            let value =
                |record: &Record, column: &Column| record.value(column.name, column.kind).expect("a value");
            let rows =
                records.iter().map(|record| columns.iter().map(|column| value(record, column)).collect());
            saved.push((*table, rows.collect()));
        }
        session.rollback().await.expect("read");
        Self(saved)
    }

    /// Replaces the content of a database.
    pub async fn put(&self, engine: &dyn Engine) {
        let mut session = engine.session().await.expect("a session");
        session.begin(Begin::Write).await.expect("a transaction");
        // Children are deleted first and inserted last.
        for (table, _) in self.0.iter().rev() {
            session.execute(&same_text(&format!("DELETE FROM {}", table.name)), &[]).await.expect("deleted");
        }
        for (table, rows) in &self.0 {
            let names: Vec<&str> = columns(table, engine.tier()).iter().map(|column| column.name).collect();
            session.insert(table.name, &names, rows).await.expect("inserted");
        }
        session.commit().await.expect("committed");
    }
}
