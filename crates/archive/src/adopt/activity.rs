//! The platform's own counts of user actions. Nothing tells which rows they count, so they are kept beside our counts, and a
//! reader is shown the larger of the two for a day.

use super::look;
use super::original::{Original, Reader};
use super::progress::{self, Phase};
use super::queries::sql;
use super::report::{Class, TableReport};
use crate::fail_point;
use crate::model::Family;
use crate::moves::{MoveError, Mover, settle};
use thermocline_core::clock::Timestamp;
use thermocline_core::keyset::Key;
use thermocline_core::table::ColumnType;
use thermocline_database::adoption::PlatformZone;
use thermocline_database::{Begin, Engine, Statement, TierError, Value};
use thermocline_journal::{Digest, MoveKind, state};

/// The platform's table of user actions.
#[derive(Debug)]
pub struct ActivitySource {
    /// The table.
    pub original: Original,
    values: String,
    action: String,
    made: String,
    reason: String,
}

impl ActivitySource {
    /// Finds the columns of user activity in a table of the platform.
    ///
    /// # Errors
    /// Every column that is missing or cannot be read.
    pub fn of(original: &Original, zone: Option<PlatformZone>) -> Result<Self, Vec<String>> {
        let mut reader = Reader::new(original, zone);
        let action = reader.required("action_type", ColumnType::Text);
        let mut values = vec![
            reader.required("user_id", ColumnType::Int),
            action.clone(),
            reader.required("action_count", ColumnType::Int),
            reader.required("analysis_date", ColumnType::Date),
        ];
        values.push(match original.columns.get("metadata").map(String::as_str) {
            Some("json" | "jsonb" | "text") => {
                reader.refuse("s.metadata::text LIKE '%\\u0000%'", "metadata holds U+0000");
                "s.metadata::jsonb".to_owned()
            }
            _ => "NULL::jsonb".to_owned(),
        });
        let made = reader.optional("created_at", ColumnType::Time);
        if !reader.obstacles.is_empty() {
            return Err(reader.obstacles);
        }
        Ok(Self {
            original: original.clone(),
            values: values.join(", "),
            action,
            made: made.unwrap_or_else(|| "NULL::timestamptz".to_owned()),
            reason: reader.reason(),
        })
    }

    /// Binds a template to the table.
    pub(super) fn sql(&self, template: &Statement) -> Statement {
        let losers = sql::activity_losers().for_postgres().unwrap_or_default();
        template.bind(
            &self.original.name,
            &[
                ("losers", losers),
                ("values", &self.values),
                ("action", &self.action),
                ("made", &self.made),
                ("reason", &self.reason),
                ("name", &self.original.name),
                ("source", &self.original.place()),
            ],
        )
    }

    /// Returns every statement about the table.
    pub(super) fn statements(&self) -> Vec<Statement> {
        [sql::sort_out(), sql::sorted_out(), sql::adopt_activity(), sql::copied()]
            .map(|template| self.sql(template))
            .into()
    }
}

impl ActivitySource {
    /// Copies the counts in one transaction, which may be repeated, and notes that the table is done.
    pub async fn adopt(&self, cold: &dyn Engine, now: Timestamp) -> Result<TableReport, TierError> {
        let name: Value = self.original.name.as_str().into();
        let mut session = cold.session().await?;
        session.allow_long_statements();
        session.begin(Begin::Write).await?;
        session.execute(sql::clear_rejects(), std::slice::from_ref(&name)).await?;
        session.execute(&self.sql(sql::sort_out()), &[name.clone(), now.into()]).await?;
        session.execute(sql::clear_activity(), &[]).await?;
        let rows = session.execute(&self.sql(sql::adopt_activity()), &[now.into()]).await?.cast_signed();
        let params = [name, i64::MAX.into(), rows.into(), now.into()];
        session.execute(sql::progress(), &params).await?;
        progress::enter(&mut *session, &self.original.name, Phase::Done, now).await?;
        fail_point::reached("adopting-activity");
        session.commit().await?;
        fail_point::reached("adopted-activity");
        self.report(cold).await
    }

    /// Returns the report of counts that were adopted.
    pub async fn report(&self, cold: &dyn Engine) -> Result<TableReport, TierError> {
        let name: Value = self.original.name.as_str().into();
        let mut session = cold.session().await?;
        session.allow_long_statements();
        let records = session.fetch(&self.sql(sql::copied()), std::slice::from_ref(&name)).await?;
        let rows = records.first().map_or(Ok(0), |record| record.int("n"))?;
        let classes = Class::read(&session.fetch(sql::classes(), &[name]).await?)?;
        Ok(self.table_report(rows, classes))
    }

    /// Returns the report that an adoption of the counts would give, without a change.
    pub async fn look(&self, cold: &dyn Engine) -> Result<TableReport, TierError> {
        let mut session = cold.session().await?;
        session.allow_long_statements();
        let classes = Class::read(&session.fetch(&self.sql(sql::sorted_out()), &[]).await?)?;
        let rows = look::rows(cold, &self.original).await?;
        Ok(self.table_report(rows, classes))
    }

    fn table_report(&self, rows: i64, classes: Vec<Class>) -> TableReport {
        let adopted = rows - classes.iter().map(|class| class.rows).sum::<i64>();
        TableReport { source: self.original.name.clone(), rows, adopted, classes, ..TableReport::default() }
    }
}

/// Makes readers ask cold for the counts of a platform where it holds no row of the resource. One move without rows.
pub async fn show(mover: &Mover<'_>, family: &Family) -> Result<(), MoveError> {
    if state::read(mover.hot, family.resource).await?.cold_watermark.is_some() {
        return Ok(());
    }
    let mut this = settle::begin(mover, family).await?;
    this.lock_claim().await?;
    this.commit_cold(MoveKind::Adopt, &[], Digest::default()).await?;
    this.commit(Some(Key::MIN)).await.map(drop)
}
