//! Setting the platform's tables aside, putting them back, and dropping them in the end.

use super::original::Original;
use super::queries::{self, sql};
use crate::fail_point;
use thermocline_database::{Begin, Engine, TierError};

/// Moves tables of the platform to a schema of their own, in one transaction. Each is locked against every use from its turn
/// to the commit, which takes milliseconds; its rows are not touched. Waits for current users of a table for 30 s at most.
pub async fn set_aside(cold: &dyn Engine, originals: &[Original]) -> Result<(), TierError> {
    let mut session = cold.session().await?;
    session.begin(Begin::Write).await?;
    session.execute(sql::make_schema(), &[]).await?;
    session.execute(sql::open_schema(), &[]).await?;
    if let Some(original) = originals.first() {
        session.execute(&queries::note_schema(&original.schema), &[]).await?;
    }
    for original in originals {
        session.execute(&original.sql(sql::set_aside()), &[]).await?;
        fail_point::reached("setting-aside");
    }
    session.commit().await?;
    fail_point::reached("set-aside");
    Ok(())
}

/// Moves the tables back to the schema they came from, after ours were dropped.
pub async fn put_back(cold: &dyn Engine, originals: &[Original]) -> Result<(), TierError> {
    let mut session = cold.session().await?;
    session.begin(Begin::Write).await?;
    let records = session.fetch(sql::noted_schema(), &[]).await?;
    let schema = records.first().map_or(Ok("public".to_owned()), |record| record.text("name"))?;
    for original in originals {
        session.execute(&queries::put_back(original, &schema), &[]).await?;
    }
    session.execute(sql::drop_schema(), &[]).await?;
    fail_point::reached("putting-back");
    session.commit().await
}

/// Drops the tables that were adopted, and their schema.
pub async fn finish(cold: &dyn Engine, originals: &[Original]) -> Result<(), TierError> {
    let mut session = cold.session().await?;
    session.begin(Begin::Write).await?;
    for original in originals {
        session.execute(&original.sql(sql::drop_original()), &[]).await?;
        fail_point::reached("dropping-originals");
    }
    session.execute(sql::drop_schema(), &[]).await?;
    session.commit().await
}
