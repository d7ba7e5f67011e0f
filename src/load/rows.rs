//! Rows with an id of their own: users, conversations, messages, posts, comments, stocks.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use super::{Chunk, Loader, Verdict, distinct, erased, names, read};
use crate::archive::digest::Digest;
use crate::import::{Noun, Record};
use crate::schema::{self, Kind, Table};
use crate::tier::{Statement, TierError, Value, cold_sql, hot_sql};

/// How rows of a table are told apart.
struct Identity {
    table: &'static Table,
    /// The places of the columns whose content makes a row the same: not what the service itself changes.
    compared: &'static [usize],
    /// A compared column that may be filled later: empty in a file, it contradicts nothing.
    filled_later: Option<usize>,
    hot_by_id: Statement,
    hot_alike: Statement,
    /// For tables that move.
    cold: Option<[Statement; 2]>,
}

impl Identity {
    fn new(table: &'static Table, compared: &'static [usize]) -> Self {
        let alike = |term: fn(&crate::schema::Column, i32) -> String| {
            let terms = compared.iter().zip(1..).map(|(place, n)| term(&table.columns[*place], n));
            terms.collect::<Vec<_>>().join(" AND ")
        };
        let hot = |statement: Statement| statement.with("{table}", table.name);
        let cold = table.archived.map(|archived| {
            // SQLite knows parameters by this sign too.
            let epoch = format!("${}", compared.len() + 1);
            let cold = |statement: Statement| statement.with("{table}", archived);
            [
                cold(cold_sql!("cold_by_id"))
                    .with("{by}", "original_id")
                    .with("{columns}", &table.names_in_cold()),
                cold(cold_sql!("cold_alike"))
                    // What is compared of a table that moves is never NULL.
                    .with("{alike}", &alike(|column, n| format!("{} = ${n}", column.archived)))
                    .with("{epoch}", &epoch),
            ]
        });
        Self {
            table,
            compared,
            filled_later: None,
            hot_by_id: hot(hot_sql!("hot_by_id")).with("{by}", "id").with("{columns}", &table.names()),
            // IS compares nulls too.
            hot_alike: hot(hot_sql!("hot_alike"))
                .with_in_mssql("{alike}", &alike_in_mssql(table, compared))
                .with("{alike}", &alike(|column, n| format!("{} IS ?{n}", column.name))),
            cold,
        }
    }

    fn of(noun: Noun) -> &'static Self {
        match noun {
            Noun::Users => &USERS,
            Noun::Conversations => &CONVERSATIONS,
            Noun::Posts => &POSTS,
            Noun::Comments => &COMMENTS,
            Noun::Stocks => &STOCKS,
            Noun::Messages | Noun::Likes | Noun::Prices => &MESSAGES,
        }
    }

    /// The first compared column in which a new row contradicts the old one.
    fn difference(&self, old: &[Value], new: &[Value]) -> Option<&'static str> {
        let says_nothing = |place| self.filled_later == Some(place) && matches!(new[place], Value::Null(_));
        let differs =
            self.compared.iter().find(|place| old[**place] != new[**place] && !says_nothing(**place));
        differs.map(|place| self.table.columns[*place].name)
    }

    fn content(&self, row: &[Value]) -> Vec<Value> {
        self.compared.iter().map(|place| row[*place].clone()).collect()
    }
}

/// SQL Server has no IS between values, and its `=` overlooks case, width and trailing spaces. The columns an index is
/// looked for by are never null and stay plain.
fn alike_in_mssql(table: &Table, compared: &[usize]) -> String {
    let terms = compared.iter().zip(1..).map(|(place, n)| {
        let column = &table.columns[*place];
        let name = column.name;
        match column.kind {
            Kind::Time => format!("{name} = CAST(@P{n} AS DATETIME2(6))"),
            Kind::Text => format!(
                "(({name} IS NULL AND @P{n} IS NULL) OR ({name} COLLATE Latin1_General_BIN2 = @P{n} COLLATE \
                 Latin1_General_BIN2 AND DATALENGTH({name}) = DATALENGTH(@P{n})))"
            ),
            _ if n == 1 => format!("{name} = @P{n}"),
            _ => format!("(({name} IS NULL AND @P{n} IS NULL) OR {name} = @P{n})"),
        }
    });
    terms.collect::<Vec<_>>().join(" AND ")
}

static USERS: LazyLock<Identity> = LazyLock::new(|| Identity::new(&schema::USERS, &[1, 2]));
// A conversation's times follow its messages, and so does its second user until somebody has answered.
static CONVERSATIONS: LazyLock<Identity> =
    LazyLock::new(|| Identity { filled_later: Some(2), ..Identity::new(&schema::CONVERSATIONS, &[1, 2]) });
// Whether a message was read changes after it was written.
static MESSAGES: LazyLock<Identity> = LazyLock::new(|| Identity::new(&schema::MESSAGES, &[1, 4, 2, 3]));
static POSTS: LazyLock<Identity> = LazyLock::new(|| Identity::new(&schema::POSTS, &[1, 4, 2, 3]));
static COMMENTS: LazyLock<Identity> = LazyLock::new(|| Identity::new(&schema::COMMENTS, &[1, 4, 2, 3]));
static STOCKS: LazyLock<Identity> = LazyLock::new(|| Identity::new(&schema::STOCKS, &[1]));

impl Loader<'_> {
    pub(super) async fn rows(
        &mut self,
        chunk: &mut Chunk<'_>,
        noun: Noun,
        records: Vec<Record>,
    ) -> Result<Vec<Verdict>, TierError> {
        let identity = Identity::of(noun);
        let now = self.clock.now();
        let mut verdicts = Vec::with_capacity(records.len());
        let mut fresh: Vec<(usize, Vec<Value>)> = Vec::new();

        let rows: Vec<Vec<Value>> = records.into_iter().map(|record| row(record, now)).collect();
        let ids = rows.iter().filter_map(|row| id_of(row));
        let ids = distinct(ids);
        let erased = erased(chunk, noun, &ids).await?;
        let mut known = by_id(identity, chunk, ids).await?;
        // Of a content without an id: how many rows there are, in both tiers and in this chunk.
        let mut there: HashMap<Digest, i64> = HashMap::new();
        for (place, row) in rows.into_iter().enumerate() {
            let verdict = if let Some(id) = id_of(&row) {
                match known.get(&id) {
                    None if erased.contains(&id) => Verdict::Rejected(format!("id {id} was erased")),
                    None => Verdict::Inserted,
                    // A stock is its symbol, which is looked for below.
                    Some(old) if noun == Noun::Stocks && identity.difference(old, &row).is_none() => {
                        Verdict::Inserted
                    }
                    Some(old) => match identity.difference(old, &row) {
                        None => Verdict::Known,
                        Some(_) if noun == Noun::Users && is_placeholder(old, id) => {
                            self.name_user(chunk, &row).await?;
                            Verdict::Corrected
                        }
                        Some(column) => {
                            Verdict::Rejected(format!("id {id} is there already with another {column}"))
                        }
                    },
                }
            } else {
                let mut content = Digest::default();
                content.add(identity.table.name, &identity.content(&row));
                let times = self.seen.entry(content).or_default();
                *times += 1;
                let there = match there.entry(content) {
                    std::collections::hash_map::Entry::Occupied(entry) => entry.into_mut(),
                    std::collections::hash_map::Entry::Vacant(entry) => {
                        entry.insert(alike(identity, chunk, &row).await?)
                    }
                };
                if *times <= *there {
                    Verdict::Known
                } else {
                    *there += 1;
                    Verdict::Inserted
                }
            };
            if verdict == Verdict::Inserted {
                if let Some(id) = id_of(&row) {
                    known.insert(id, row.clone());
                }
                fresh.push((place, row));
            }
            verdicts.push(verdict);
        }
        if noun == Noun::Stocks {
            self.merge_stocks(chunk, &mut fresh, &mut verdicts).await?;
        }
        self.refer(chunk, noun, &mut fresh, &mut verdicts).await?;
        insert(chunk, identity.table, fresh).await?;
        if noun == Noun::Messages {
            self.touch_conversations(chunk).await?;
        }
        Ok(verdicts)
    }
}

/// A row of its table; the place of a missing id holds NULL.
fn row(record: Record, now: crate::clock::Timestamp) -> Vec<Value> {
    let id = |id| Value::or_null(id, Kind::Int);
    let text = |text: Option<String>| Value::or_null(text.as_deref(), Kind::Text);
    match record {
        Record::User(row) => vec![id(row.id), row.username.as_str().into(), text(row.email)],
        Record::Conversation(row) => {
            let created = row.created_at.or(row.updated_at).unwrap_or(now);
            let updated = row.updated_at.unwrap_or(created);
            vec![id(row.id), row.user1_id.into(), id(row.user2_id), created.into(), updated.into()]
        }
        Record::Message(row) => vec![
            id(row.id),
            row.conversation_id.into(),
            row.sender_id.into(),
            row.content.as_str().into(),
            row.created_at.into(),
            row.is_read.into(),
        ],
        Record::Post(row) => vec![
            id(row.id),
            row.author_id.into(),
            row.title.as_str().into(),
            row.body.as_str().into(),
            row.created_at.into(),
        ],
        Record::Comment(row) => vec![
            id(row.id),
            row.post_id.into(),
            row.author_id.into(),
            row.body.as_str().into(),
            row.created_at.into(),
        ],
        Record::Stock(row) => {
            let created = row.created_at.unwrap_or(now);
            vec![
                id(row.id),
                row.symbol.as_str().into(),
                text(row.name),
                text(row.exchange),
                text(row.market_type),
                created.into(),
                row.updated_at.unwrap_or(created).into(),
            ]
        }
        // Loaded by rooms of their own.
        Record::Like(_) | Record::Price(_) => Vec::new(),
    }
}

fn id_of(row: &[Value]) -> Option<i64> {
    if let Some(Value::Int(id)) = row.first() { Some(*id) } else { None }
}

/// The name of a user that was only referred to so far.
pub(super) fn placeholder(id: i64) -> String {
    format!("user{id}")
}

fn is_placeholder(user: &[Value], id: i64) -> bool {
    user[1] == Value::from(placeholder(id).as_str()) && user[2] == Value::Null(Kind::Text)
}

/// The rows with these ids that are visible in either tier.
async fn by_id(
    identity: &Identity,
    chunk: &mut Chunk<'_>,
    ids: Value,
) -> Result<HashMap<i64, Vec<Value>>, TierError> {
    let mut rows =
        read(&chunk.hot.fetch(&identity.hot_by_id, std::slice::from_ref(&ids)).await?, identity.table)?;
    if let (Some([by_id, _]), Some(cold), 1..) = (&identity.cold, chunk.cold, chunk.epoch) {
        let records = cold.fetch(by_id, &[ids, chunk.epoch.into()]).await?;
        rows.extend(read(&records, identity.table)?);
    }
    Ok(rows.into_iter().filter_map(|row| id_of(&row).map(|id| (id, row))).collect())
}

/// How many rows with this content are visible in both tiers.
async fn alike(identity: &Identity, chunk: &mut Chunk<'_>, row: &[Value]) -> Result<i64, TierError> {
    let mut params = identity.content(row);
    let count = |records: Vec<crate::tier::Record>| records.first().map_or(Ok(0), |record| record.int("n"));
    let mut n = count(chunk.hot.fetch(&identity.hot_alike, &params).await?)?;
    if let (Some([_, alike]), Some(cold), 1..) = (&identity.cold, chunk.cold, chunk.epoch) {
        params.push(chunk.epoch.into());
        n += count(cold.fetch(alike, &params).await?)?;
    }
    Ok(n)
}

/// Inserts rows, with the ids they have or with new ones.
pub(super) async fn insert(
    chunk: &mut Chunk<'_>,
    table: &'static Table,
    rows: Vec<(usize, Vec<Value>)>,
) -> Result<(), TierError> {
    let (with_id, without): (Vec<_>, Vec<_>) = rows
        .into_iter()
        .map(|(_, row)| row)
        .partition(|row| id_of(row).is_some() || table.columns[0].name != "id");
    let columns = names(table);
    chunk.hot.insert(table.name, &columns, &with_id).await?;
    let without: Vec<Vec<Value>> = without.into_iter().map(|row| row[1..].to_vec()).collect();
    chunk.hot.insert(table.name, &columns[1..], &without).await?;
    Ok(())
}

/// Takes the rows out of `fresh` that `refuse` has a reason against.
pub(super) fn reject(
    fresh: &mut Vec<(usize, Vec<Value>)>,
    verdicts: &mut [Verdict],
    refuse: impl Fn(&[Value]) -> Option<String>,
) {
    fresh.retain(|(place, row)| match refuse(row) {
        None => true,
        Some(reason) => {
            verdicts[*place] = Verdict::Rejected(reason);
            false
        }
    });
}

/// The integers in one column of some rows.
pub(super) fn column(rows: &[(usize, Vec<Value>)], place: usize) -> HashSet<i64> {
    let int = |row: &[Value]| if let Value::Int(int) = row[place] { Some(int) } else { None };
    rows.iter().filter_map(|(_, row)| int(row)).collect()
}
