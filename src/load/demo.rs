//! Loads the demo's data into an empty hot tier, where no row has to be looked up first.

use super::LoadError;
use crate::demo::DemoPlan;
use crate::schema::{self, ColumnType, Table};
use crate::tier::{Begin, Engine, Value};

/// Rows that are inserted together.
const CHUNK: usize = 10_000;

/// Receives the table and the number of rows of every chunk.
type Progress<'a> = &'a mut (dyn FnMut(&'static str, u64) + Send);

/// Loads the demo's data into an empty hot tier.
pub async fn fill(hot: &dyn Engine, plan: DemoPlan, progress: Progress<'_>) -> Result<(), LoadError> {
    let int = |int: Option<i64>| Value::or_null(int, ColumnType::Int);
    let price = |price| Value::or_null(price, ColumnType::Price);
    let now: Value = plan.now.into();
    let users = plan
        .users()
        .map(|user| vec![user.id.into(), user.username.as_str().into(), user.email.as_str().into()]);
    insert(hot, progress, &schema::USERS, users).await?;
    let conversations = plan.conversations().map(|row| {
        let times = [row.created_at, row.updated_at].map(Value::from);
        [vec![row.id.into(), row.user1_id.into(), int(row.user2_id)], times.to_vec()].concat()
    });
    insert(hot, progress, &schema::CONVERSATIONS, conversations).await?;
    let messages = plan.messages().map(|row| {
        let content = row.content.as_str().into();
        let (conversation, sender) = (row.conversation_id.into(), row.sender_id.into());
        vec![row.id.into(), conversation, sender, content, row.created_at.into(), row.is_read.into()]
    });
    insert(hot, progress, &schema::MESSAGES, messages).await?;
    let posts = plan.posts().map(|row| {
        let (title, body) = (row.title.as_str().into(), row.body.as_str().into());
        vec![row.id.into(), row.author_id.into(), title, body, row.created_at.into()]
    });
    insert(hot, progress, &schema::POSTS, posts).await?;
    let comments = plan.comments().map(|row| {
        let body = row.body.as_str().into();
        vec![row.id.into(), row.post_id.into(), row.author_id.into(), body, row.created_at.into()]
    });
    insert(hot, progress, &schema::COMMENTS, comments).await?;
    let likes = plan.likes().map(|row| vec![row.user_id.into(), row.post_id.into()]);
    insert(hot, progress, &schema::LIKES, likes).await?;
    let stocks = plan.stocks().map(|row| {
        let texts = [row.symbol, row.name, row.exchange, row.market_type].map(Value::from);
        [vec![row.id.into()], texts.to_vec(), vec![now.clone(), now.clone()]].concat()
    });
    insert(hot, progress, &schema::STOCKS, stocks).await?;
    let prices = (1..).zip(plan.prices()).map(|(id, row)| {
        let amounts =
            [row.open_price, row.high_price, row.low_price, row.close_price, row.change_amount].map(price);
        let counts = [row.volume, row.turnover, row.transaction_count].map(int);
        let key = vec![Value::Int(id), row.stock_id.into(), row.trade_date.into()];
        [key, amounts.to_vec(), counts.to_vec(), vec![now.clone()]].concat()
    });
    insert(hot, progress, &schema::PRICES, prices).await
}

async fn insert(
    hot: &dyn Engine,
    progress: Progress<'_>,
    table: &'static Table,
    rows: impl Iterator<Item = Vec<Value>>,
) -> Result<(), LoadError> {
    let columns: Vec<_> = table.columns.iter().map(|column| column.name).collect();
    let mut session = hot.session().await?;
    session.begin(Begin::Write).await?;
    let mut rows = rows.peekable();
    while rows.peek().is_some() {
        let chunk: Vec<Vec<Value>> = rows.by_ref().take(CHUNK).collect();
        session.insert(table.name, &columns, &chunk).await?;
        progress(table.name, chunk.len() as u64);
    }
    session.commit().await?;
    Ok(())
}
