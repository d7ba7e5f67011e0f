//! The demo's data into an empty hot tier, where nothing has to be looked for first.

use super::names;
use crate::demo::Plan;
use crate::schema::{self, Kind, Table};
use crate::tier::{Begin, Engine, TierError, Value};

/// Rows that go in together.
const CHUNK: usize = 10_000;

/// Hears of every chunk: its table and its rows.
type Progress<'a> = &'a mut (dyn FnMut(&'static str, u64) + Send);

/// Puts the demo's data into an empty hot tier.
pub async fn fill(hot: &dyn Engine, plan: Plan, progress: Progress<'_>) -> Result<(), TierError> {
    let text = |text: Option<&str>| Value::or_null(text, Kind::Text);
    let int = |int: Option<i64>| Value::or_null(int, Kind::Int);
    let price = |price| Value::or_null(price, Kind::Price);
    insert(
        hot,
        progress,
        &schema::USERS,
        plan.users()
            .map(|user| vec![user.id.into(), user.username.as_str().into(), user.email.as_str().into()]),
    )
    .await?;
    insert(
        hot,
        progress,
        &schema::CONVERSATIONS,
        plan.conversations().map(|row| {
            vec![
                row.id.into(),
                row.user1_id.into(),
                int(row.user2_id),
                row.created_at.into(),
                row.updated_at.into(),
            ]
        }),
    )
    .await?;
    insert(
        hot,
        progress,
        &schema::MESSAGES,
        plan.messages().map(|row| {
            let content = row.content.as_str().into();
            vec![
                row.id.into(),
                row.conversation_id.into(),
                row.sender_id.into(),
                content,
                row.created_at.into(),
                row.is_read.into(),
            ]
        }),
    )
    .await?;
    insert(
        hot,
        progress,
        &schema::POSTS,
        plan.posts().map(|row| {
            vec![
                row.id.into(),
                row.author_id.into(),
                row.title.as_str().into(),
                row.body.as_str().into(),
                row.created_at.into(),
            ]
        }),
    )
    .await?;
    insert(
        hot,
        progress,
        &schema::COMMENTS,
        plan.comments().map(|row| {
            vec![
                row.id.into(),
                row.post_id.into(),
                row.author_id.into(),
                row.body.as_str().into(),
                row.created_at.into(),
            ]
        }),
    )
    .await?;
    insert(
        hot,
        progress,
        &schema::LIKES,
        plan.likes().map(|row| vec![row.user_id.into(), row.post_id.into()]),
    )
    .await?;
    let now = plan.now;
    insert(
        hot,
        progress,
        &schema::STOCKS,
        plan.stocks().map(|row| {
            let (name, exchange, market) =
                (text(Some(row.name)), text(Some(row.exchange)), text(Some(row.market_type)));
            vec![row.id.into(), row.symbol.into(), name, exchange, market, now.into(), now.into()]
        }),
    )
    .await?;
    insert(
        hot,
        progress,
        &schema::PRICES,
        (1..).zip(plan.prices()).map(|(id, row)| {
            vec![
                Value::Int(id),
                row.stock_id.into(),
                row.trade_date.into(),
                price(row.open_price),
                price(row.high_price),
                price(row.low_price),
                price(row.close_price),
                price(row.change_amount),
                int(row.volume),
                int(row.turnover),
                int(row.transaction_count),
                now.into(),
            ]
        }),
    )
    .await
}

async fn insert(
    hot: &dyn Engine,
    progress: Progress<'_>,
    table: &'static Table,
    rows: impl Iterator<Item = Vec<Value>>,
) -> Result<(), TierError> {
    let mut session = hot.session().await?;
    session.begin(Begin::Write).await?;
    let mut rows = rows.peekable();
    while rows.peek().is_some() {
        let chunk: Vec<Vec<Value>> = rows.by_ref().take(CHUNK).collect();
        session.insert(table.name, &names(table), &chunk).await?;
        progress(table.name, chunk.len() as u64);
    }
    session.commit().await
}
