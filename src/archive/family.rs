//! What moves together: a resource's rows and the children that go with them.

use std::collections::BTreeMap;

use super::behavior::Action;
use super::chosen::Archived;
use super::due::Due;
use super::erase::Along;
use super::parents::Parent;
use super::{recover, vacuum, verify};
use crate::page::Key;
use crate::schema::{Kind, Table};
use crate::tier::{Statement, Value, cold_sql, hot_sql};

/// How a resource moves.
#[derive(Debug)]
pub struct Family {
    /// The resource, as its row in `archive_state` names it.
    pub resource: &'static str,
    /// Its tables: children first, as they have to be removed, the resource's own last.
    pub tables: Vec<Moved>,
    /// What is due.
    pub due: Due,
    /// What is due when children keep a row, if they can.
    pub due_by_activity: Option<Due>,
    /// Whether what is due is told by day, not by instant.
    pub by_day: bool,
    /// The key of a row of the resource's own table.
    pub key: fn(&[Value]) -> Key,
    /// How its rows in cold are chosen.
    pub archived: Archived,
    /// How its lists are counted.
    pub blocks: Option<Blocks>,
    /// Closes the version that a row of the resource's own table replaces, with its parameters.
    pub supersede: Option<Supersede>,
}

impl Family {
    /// The table of the resource itself.
    ///
    /// # Panics
    /// For a family without tables, which nobody declares.
    pub(super) fn own(&self) -> &Moved {
        self.tables.last().expect("a family has its own table")
    }
}

/// A row may take the place of an archived one without its id: both are told apart by a group and a member.
#[derive(Debug)]
pub struct Supersede {
    /// Closes the open versions that rows of a batch replace. Its parameters are a group, the members of it in the
    /// batch, and the epoch.
    pub statement: Statement,
    /// The members, as days, of which hot has a row, and its id; they are locked until the transaction ends. Its parameters
    /// are a group and members.
    pub in_hot: Statement,
    /// Group and member of a row of the resource's own table, as integers.
    pub of: fn(&[Value]) -> (i64, i64),
}

impl Supersede {
    /// The members of rows of the resource's own table, by group.
    pub(super) fn groups<'a>(&self, own: impl Iterator<Item = &'a [Value]>) -> BTreeMap<i64, Vec<i64>> {
        let mut groups: BTreeMap<i64, Vec<i64>> = BTreeMap::new();
        for (group, member) in own.map(|row| (self.of)(row)) {
            groups.entry(group).or_default().push(member);
        }
        groups
    }
}

/// The counted blocks of a family.
#[derive(Debug)]
pub struct Blocks {
    /// Their table.
    pub table: &'static str,
    /// The lists a row is counted in.
    pub scopes: fn(&[Value]) -> Vec<i64>,
    /// The open keys between two bounds of a scope.
    pub keys: fn(i64) -> &'static Statement,
    pub(super) from: Statement,
    pub(super) below: Statement,
    pub(super) undo: Statement,
    pub(super) verify: verify::BlockStatements,
    pub(super) vacuum: vacuum::BlockStatements,
}

impl Blocks {
    /// The blocks in `table`: in which scopes a row counts, and how a scope's keys are read.
    pub fn new(
        table: &'static str,
        scopes: fn(&[Value]) -> Vec<i64>,
        keys: fn(i64) -> &'static Statement,
    ) -> Self {
        let of = |statement: Statement| statement.with("{blocks}", table);
        Self {
            table,
            scopes,
            keys,
            from: of(cold_sql!("blocks_from")),
            below: of(cold_sql!("blocks_below")),
            undo: cold_sql!("undo_rows").with("{table}", table),
            verify: verify::BlockStatements::of(table),
            vacuum: vacuum::BlockStatements::of(table),
        }
    }
}

/// A table of a family, with the statements every such table needs.
#[derive(Debug)]
pub struct Moved {
    /// The table.
    pub table: &'static Table,
    /// Where in a row the id stands that it belongs to.
    pub(super) owner: usize,
    pub(super) take: Statement,
    pub(super) batch: Statement,
    pub(super) held: Statement,
    pub(super) undo_rows: Statement,
    pub(super) undo_closed: Statement,
    pub(super) action: Option<Action>,
    pub(super) hot_rows: Statement,
    pub(super) cold_rows: Statement,
    /// What a move closed, by its epoch.
    pub(super) closed: Statement,
    pub(super) hot_of: Statement,
    pub(super) open_of: Statement,
    pub(super) open_number: Statement,
    pub(super) close: Statement,
    pub(super) verify: verify::TableStatements,
    pub(super) vacuum: vacuum::TableStatements,
    /// What is erased of it, by the id it belongs to and by its own.
    pub(super) erase: [Along; 2],
    pub(super) recover: recover::TableStatements,
    pub(super) parents: Vec<Parent>,
    /// What somebody wrote, in hot and in cold, by the ids that are erased.
    pub(super) written: Option<[Statement; 2]>,
}

impl Moved {
    /// `table`, whose rows belong to the moved id in column `owner`. Its rows are told apart by their first column,
    /// or by the first two when the first is no id.
    ///
    /// # Panics
    /// At start, for a table that is not archived.
    pub fn new(table: &'static Table, owner: &str) -> Self {
        let archived = table.archived.expect("a moved table has a place in cold");
        let first = table.columns[0].name;
        let second = if first == "id" { first } else { table.columns[1].name };
        let hot = |statement: Statement| statement.with("{table}", table.name);
        let cold = |statement: Statement| statement.with("{table}", archived);
        let owner_in_cold = table.columns.iter().find(|column| column.name == owner);
        let owner_in_cold = owner_in_cold.expect("a column of the table").archived;
        let of = |statement: Statement| cold(statement).with("{owner}", owner_in_cold);
        let batch = cold(cold_sql!("batch")).with("{columns}", &table.names_in_cold());
        Self {
            table,
            owner: place(table, owner),
            take: hot(hot_sql!("take")).with("{owner}", owner).with("{columns}", &table.names()),
            batch,
            held: hot(hot_sql!("held")).with("{first}", first).with("{second}", second),
            undo_rows: cold(cold_sql!("undo_rows")),
            undo_closed: cold(cold_sql!("undo_closed")),
            action: None,
            hot_rows: hot(hot_sql!("hot_rows")),
            cold_rows: cold(cold_sql!("cold_rows")),
            closed: batch.with("from_epoch", "to_epoch"),
            hot_of: hot(hot_sql!("hot_of")).with("{owner}", owner).with("{columns}", &table.names()),
            open_of: of(cold_sql!("open_of")).with("{columns}", &table.names_in_cold()),
            open_number: of(cold_sql!("open_number")).with("{bytes}", &bytes(table)),
            close: of(cold_sql!("close")),
            verify: verify::TableStatements::of(table, archived, [first, second, owner]),
            vacuum: vacuum::TableStatements::of(table, archived),
            erase: [owner, first].map(|column| Along::of(table, archived, column)),
            recover: recover::TableStatements::of(table, archived),
            parents: Parent::all(table),
            written: None,
        }
    }

    /// Its rows are of the person in the column `author`, each of them this action on the day of its `created_at`; a row
    /// without one counts on the day of the row it belongs to.
    #[must_use]
    pub fn written_by(mut self, author: &str, action: &'static str) -> Self {
        let at = self.table.columns.iter().position(|column| column.name == "created_at");
        let archived = self.table.archived.unwrap_or(self.table.name);
        let user = place(self.table, author);
        self.action = Some(Action {
            name: action,
            user,
            at,
            owner: self.owner,
            check: verify::behavior::statement(
                self.table,
                archived,
                self.table.columns[user].archived,
                self.table.columns[self.owner].archived,
            ),
        });
        let along =
            |statement: Statement, along: &str| statement.with("{along}", along).with("{author}", author);
        let first = &self.table.columns[0];
        self.written = Some([
            along(hot_sql!("hot_by"), first.name).with("{table}", self.table.name),
            along(cold_sql!("cold_by"), first.archived).with("{table}", archived),
        ]);
        self
    }

    /// The values that tell a row apart, for `held`.
    pub(super) fn identity(&self, row: &[Value]) -> [Value; 2] {
        let second = usize::from(self.table.columns[0].name != "id");
        [row[0].clone(), row[second].clone()]
    }

    /// What a message calls a row: its table and what tells it apart, without its contents.
    pub(super) fn name_of(&self, row: &[Value]) -> String {
        let [first, second] = self.identity(row).map(|value| value.int());
        self.name_by((first, second))
    }

    /// The same by its identity alone.
    pub(super) fn name_by(&self, (first, second): (i64, i64)) -> String {
        let table = self.table.name;
        if first == second && self.table.columns[0].name == "id" {
            format!("{table} {first}")
        } else {
            format!("{table} {first}/{second}")
        }
    }

    /// The columns of its rows in cold, in the order of [`Moved::archived_row`].
    pub(super) fn archived_columns(&self) -> Vec<&'static str> {
        let own = self.table.columns.iter().map(|column| column.archived);
        own.chain(["archived_at", "from_epoch"]).collect()
    }

    pub(super) fn archived_row(row: &[Value], at: Value, epoch: i64) -> Vec<Value> {
        let mut row = row.to_vec();
        row.extend([at, epoch.into()]);
        row
    }
}

/// The bytes of text in a row of a table in cold.
fn bytes(table: &Table) -> String {
    let texts = table.columns.iter().filter(|column| column.kind == Kind::Text);
    let terms: Vec<String> = texts.map(|column| format!("octet_length({})", column.archived)).collect();
    if terms.is_empty() { "0".to_owned() } else { terms.join(" + ") }
}

fn place(table: &Table, column: &str) -> usize {
    let place = table.columns.iter().position(|known| known.name == column);
    place.expect("a moved table has the columns its family names")
}
