//! The cold tier of a list behind the rows that this server keeps, and the answers that servers keep for each other.

use async_trait::async_trait;

use super::cold::{Proven, SqlCold, cold_rows, cold_statements};
use super::lists::SqlList;
use super::rows::{rows, slice_params, span_params};
use super::statements::ColdStatements;
use crate::local::{self, LocalCache, Wanted};
use crate::reads::{Cold, ColdCount, ColdError, ColdRows, HotSnapshot};
use crate::shared::{Question, SharedCache};
use thermocline_core::keyset::{Order, Slice, Span};
use thermocline_database::{Record, Statement, Tier, Value, portable};

/// The cold tier, and the answers of it that are shared.
#[derive(Clone, Copy, Debug)]
pub struct KeptCold<'a> {
    /// The tier.
    pub cold: SqlCold<'a>,
    /// The rows that this server keeps, if it keeps any.
    pub local: Option<&'a LocalCache>,
    /// The shared answers, if there are any.
    pub shared: Option<&'a SharedCache>,
}

/// A question with the cache that may know its answer.
struct Shared<'a> {
    cache: &'a SharedCache,
    question: Question,
    statement: &'static str,
}

impl Shared<'_> {
    async fn records(&self) -> Option<Vec<Record>> {
        portable::decode(&self.cache.answer(&self.question).await?, Tier::Cold, self.statement)
    }

    fn keep(self, records: &[Record], confirmed: i64) {
        if let Some(answer) = portable::encode(records) {
            self.cache.keep(self.question, confirmed, &answer);
        }
    }

    async fn count(&self) -> Option<i64> {
        let count = self.cache.answer(&self.question).await?;
        Some(i64::from_be_bytes(count.try_into().ok()?))
    }
}

impl<'a> KeptCold<'a> {
    fn shared(
        &self,
        resource: &str,
        snapshot: HotSnapshot,
        statement: &Statement,
        params: &[Value],
    ) -> Option<Shared<'a>> {
        let cache = self.shared?;
        let question = cache.question(resource, snapshot, statement, params);
        Some(Shared { cache, question, statement: statement.name })
    }

    /// Returns what is shared of a question about a list. It is told by one statement of the list, whichever serves the question.
    fn of_list<L: SqlList>(
        &self,
        list: &L,
        snapshot: HotSnapshot,
        statement: impl FnOnce(&ColdStatements) -> Option<&Statement>,
        mut params: Vec<Value>,
    ) -> Option<Shared<'a>> {
        let statements = templated(list)?;
        params.extend(list.filter());
        self.shared(list.resource(), snapshot, statement(statements)?, &params)
    }

    /// Returns what this server knows of a question about a list.
    fn local<L: SqlList>(&self, list: &L, snapshot: HotSnapshot, wanted: Wanted) -> Option<Local<'a>> {
        let cache = self.local?;
        templated(list)?;
        let question = local::Question { resource: list.resource(), list: list.id(), wanted, snapshot };
        Some(Local { cache, question })
    }

    /// Runs a statement of which epoch and token are the last parameters, unless its answer is known.
    pub(crate) async fn proven(
        &self,
        resource: &str,
        statement: &Statement,
        snapshot: HotSnapshot,
        params: &[Value],
    ) -> Proven {
        let shared = self.shared(resource, snapshot, statement, params);
        if let Some(shared) = &shared
            && let Some(records) = shared.records().await
        {
            return Ok((records, snapshot.epoch));
        }
        asked_and_kept(shared, self.cold.proven(resource, statement, snapshot, params)).await
    }
}

/// Returns the statements of a list in cold; `None` if they are not made from templates. Answers of other lists are not kept.
fn templated<L: SqlList>(list: &L) -> Option<&'static ColdStatements> {
    cold_statements(list).ok().filter(|cold| cold.rows.is_templated())
}

/// A question with this server's cache that may know its answer.
struct Local<'a> {
    cache: &'a LocalCache,
    question: local::Question,
}

/// Asks, and keeps the answer.
async fn asked_and_kept(shared: Option<Shared<'_>>, asked: impl Future<Output = Proven>) -> Proven {
    let (records, confirmed) = asked.await?;
    if let Some(shared) = shared {
        shared.keep(&records, confirmed);
    }
    Ok((records, confirmed))
}

/// Returns rows that are known, or asks for them. Shared records that do not read as rows of the list are none.
async fn known_or_asked<L: SqlList>(
    list: &L,
    order: Order,
    snapshot: HotSnapshot,
    (local, shared): (Option<Local<'_>>, Option<Shared<'_>>),
    asked: impl Future<Output = Proven>,
) -> Result<ColdRows<L::Row>, ColdError> {
    if let Some(Local { cache, question }) = &local
        && let Some(rows) = cache.rows(question).await
    {
        return Ok(ColdRows { rows, confirmed: snapshot.epoch });
    }
    if let Some(shared) = &shared
        && let Some(records) = shared.records().await
        && let Ok(rows) = rows(list, order, &records)
    {
        return Ok(ColdRows { rows, confirmed: snapshot.epoch });
    }
    let answer = cold_rows(list, order, asked_and_kept(shared, asked).await?)?;
    if let Some(Local { cache, question }) = local {
        let bytes = answer.rows.iter().map(|row| list.size(row)).sum();
        cache.keep(question, answer.confirmed, &answer.rows, bytes).await;
    }
    Ok(answer)
}

#[async_trait]
impl<L: SqlList> Cold<L> for KeptCold<'_> {
    async fn prove(&self, list: &L, snapshot: HotSnapshot) -> Result<i64, ColdError> {
        self.cold.prove(list, snapshot).await
    }

    async fn read(
        &self,
        list: &L,
        snapshot: HotSnapshot,
        slice: Slice,
    ) -> Result<ColdRows<L::Row>, ColdError> {
        let shared =
            self.of_list(list, snapshot, |cold| Some(cold.rows.any(slice.order)), slice_params(slice));
        let local = self.local(list, snapshot, Wanted::Slice(slice));
        let asked = self.cold.slice(list, snapshot, slice);
        known_or_asked(list, slice.order, snapshot, (local, shared), asked).await
    }

    async fn count(&self, list: &L, snapshot: HotSnapshot, span: Span) -> Result<ColdCount, ColdError> {
        let shared = self.of_list(list, snapshot, |cold| cold.count.as_ref(), span_params(span));
        if let Some(shared) = &shared
            && let Some(rows) = shared.count().await
        {
            return Ok(ColdCount { rows, confirmed: snapshot.epoch });
        }
        let count = self.cold.count(list, snapshot, span).await?;
        if let Some(Shared { cache, question, .. }) = shared {
            cache.keep(question, count.confirmed, &count.rows.to_be_bytes());
        }
        Ok(count)
    }

    async fn find(&self, list: &L, snapshot: HotSnapshot, id: i64) -> Result<ColdRows<L::Row>, ColdError> {
        let shared = self.of_list(list, snapshot, |cold| cold.find.as_ref(), vec![id.into()]);
        let local = self.local(list, snapshot, Wanted::Row(id));
        let asked = self.cold.row(list, snapshot, id);
        known_or_asked(list, Order::Desc, snapshot, (local, shared), asked).await
    }

    async fn find_all(
        &self,
        list: &L,
        snapshot: HotSnapshot,
        ids: &[i64],
    ) -> Result<ColdRows<L::Row>, ColdError> {
        self.cold.find_all(list, snapshot, ids).await
    }
}
