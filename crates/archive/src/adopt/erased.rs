//! Erasures and the rows that an adoption has kept: neither the rejects nor the platform's own tables may keep an erased row.

use super::original::{ACTIVITY, Original};
use super::queries::sql;
use super::source::Source;
use crate::model::Family;
use thermocline_database::{Begin, Engine, TierError};

/// Removes the erased rows of a family from the platform's own table, and everything that an erased user wrote. The rejects of
/// single rows go with the move that erases them.
pub async fn forget_erased(
    cold: &dyn Engine,
    originals: &[Original],
    families: &[&Family],
    user: Option<i64>,
) -> Result<u64, TierError> {
    let mut session = cold.session().await?;
    session.allow_long_statements();
    session.begin(Begin::Write).await?;
    let mut gone = 0;
    for family in families {
        let Some(original) = originals.iter().find(|original| original.name == family.own().archived) else {
            continue;
        };
        // A table that cannot be read was never adopted.
        let Ok(source) = Source::of(original, family, None) else { continue };
        session.execute(&source.sql(sql::forget_copies()), &[family.resource.into()]).await?;
        gone += session.execute(&source.sql(sql::forget_original()), &[family.resource.into()]).await?;
        if let Some(user) = user.filter(|_| family.own().action.is_some()) {
            gone += session.execute(&source.sql(sql::forget_author()), &[user.into()]).await?;
        }
    }
    if let Some(user) = user {
        for family in families.iter().filter(|family| family.own().action.is_some()) {
            let own = family.own();
            let author = own.action.map_or("", |action| own.table.columns[action.user].archived);
            let values = [("name", own.archived), ("column", author)];
            gone += session.execute(&sql::forget_kept().bind(own.archived, &values), &[user.into()]).await?;
        }
        let values = [("name", ACTIVITY), ("column", "user_id")];
        gone += session.execute(&sql::forget_kept().bind(ACTIVITY, &values), &[user.into()]).await?;
        session.execute(sql::forget_activity(), &[user.into()]).await?;
        for original in originals.iter().filter(|original| original.name == ACTIVITY) {
            let values = [("source", &*original.place()), ("author", "s.user_id")];
            gone += session.execute(&sql::forget_author().bind(ACTIVITY, &values), &[user.into()]).await?;
        }
    }
    session.commit().await?;
    Ok(gone)
}
