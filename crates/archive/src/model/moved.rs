//! A table of a family.

use thermocline_core::table::{ColumnType, Table};
use thermocline_database::{Statement, Value};

/// The largest difference of two instants that a platform took for one, in microseconds: `DATETIME` counts in steps of 3⅓ ms.
pub const DATETIME_STEP: i64 = 4_000;

/// A table whose rows move.
#[derive(Debug)]
pub struct Moved {
    /// The table in hot.
    pub table: &'static Table,
    /// The name of the table in cold.
    pub archived: &'static str,
    /// The position of the column with the id that a row belongs to.
    pub owner: usize,
    /// The user action that its rows stand for, if any.
    pub action: Option<Action>,
    /// The position of the column with the scope under which its changes are fed, if they are.
    pub scope: Option<usize>,
}

impl Moved {
    /// Declares that the rows of `table` move and belong to the id in column `owner`. Rows are told apart by their first
    /// column, or by the first two when the first is not `id`.
    ///
    /// # Panics
    /// For a table that is not archived or lacks that column.
    pub fn new(table: &'static Table, owner: &str) -> Self {
        let archived = table.archived.expect("a moved table has a table in cold");
        Self { table, archived, owner: position(table, owner), action: None, scope: None }
    }

    /// Declares that each row is this action of the user in the column `author`, on the day of its `created_at`; a row
    /// without one counts on the day of the row it belongs to.
    ///
    /// # Panics
    /// For a table without that column.
    #[must_use]
    pub fn written_by(mut self, author: &str, action: &'static str) -> Self {
        let at = self.table.columns.iter().position(|column| column.name == "created_at");
        self.action = Some(Action { name: action, user: position(self.table, author), at });
        self
    }

    /// Declares that changes of its rows are in the change feed, under the scope in the column `scope`.
    ///
    /// # Panics
    /// For a table without that column.
    #[must_use]
    pub fn followed_by(mut self, scope: &str) -> Self {
        self.scope = Some(position(self.table, scope));
        self
    }

    /// Returns whether its rows have ids of their own.
    pub fn has_ids(&self) -> bool {
        self.table.columns[0].name == "id"
    }

    /// Binds a template to the table. `{key}` is the column of the ids that the statement is given: the owner's.
    ///
    /// Names are those of the template's tier: `{table}`, `{columns}`, `{deleted}` (the columns of a removed row in T-SQL),
    /// `{first}`, `{second}` (the identity), `{owner}`, `{author}`, `{texts}` (the number of bytes of text in a row). Columns of
    /// cold are selected under their names in hot.
    pub fn sql(&self, template: &Statement) -> Statement {
        self.sql_by(template, self.owner)
    }

    /// Binds a template to the table, with the column at `key` as `{key}`.
    pub fn sql_by(&self, template: &Statement, key: usize) -> Statement {
        let columns = self.table.columns;
        let cold = template.about().is_some_and(|about| about.tier == "cold");
        let name = |at: usize| if cold { columns[at].archived } else { columns[at].name };
        let (table, list) = if cold {
            (self.archived, self.table.names_in_cold())
        } else {
            (self.table.name, self.table.names())
        };
        let deleted: Vec<String> = columns.iter().map(|column| format!("deleted.{}", column.name)).collect();
        let author = self.action.map_or("", |action| name(action.user));
        let values = [
            ("table", table),
            ("columns", &list),
            ("deleted", &deleted.join(", ")),
            ("key", name(key)),
            ("first", name(0)),
            ("second", name(self.second())),
            ("owner", name(self.owner)),
            ("author", author),
            ("texts", &self.text_bytes(name)),
        ];
        template.bind(&format!("{table} by {}", name(key)), &values)
    }

    /// Returns an expression for the number of bytes of text in a row.
    fn text_bytes(&self, name: impl Fn(usize) -> &'static str) -> String {
        let columns = self.table.columns.iter().enumerate();
        let texts = columns.filter(|(_, column)| column.kind == ColumnType::Text);
        let terms: Vec<String> = texts.map(|(at, _)| format!("octet_length({})", name(at))).collect();
        if terms.is_empty() { "0".to_owned() } else { terms.join(" + ") }
    }

    fn second(&self) -> usize {
        usize::from(!self.has_ids())
    }

    /// Returns the two values that tell a row apart; twice the same for a row with an id.
    pub fn identity(&self, row: &[Value]) -> [Value; 2] {
        [row[0].clone(), row[self.second()].clone()]
    }

    /// Names a row for a message: its table and its identity, without its contents.
    pub fn name_of(&self, row: &[Value]) -> String {
        let [first, second] = self.identity(row).map(|value| value.int());
        self.name_by((first, second))
    }

    /// Names the row with this identity for a message.
    pub fn name_by(&self, (first, second): (i64, i64)) -> String {
        let table = self.table.name;
        if self.has_ids() { format!("{table} {first}") } else { format!("{table} {first}/{second}") }
    }

    /// Returns its columns in hot.
    pub fn columns(&self) -> Vec<&'static str> {
        self.table.columns.iter().map(|column| column.name).collect()
    }

    /// Returns the columns of its rows in cold, in the order of [`Moved::archived_row`].
    pub fn archived_columns(&self) -> Vec<&'static str> {
        let own = self.table.columns.iter().map(|column| column.archived);
        own.chain(["archived_at", "from_epoch"]).collect()
    }

    /// Returns the row as it is inserted into cold with the batch `epoch`.
    pub fn archived_row(row: &[Value], at: Value, epoch: i64) -> Vec<Value> {
        let mut row = row.to_vec();
        row.extend([at, epoch.into()]);
        row
    }
}

fn position(table: &Table, column: &str) -> usize {
    let position = table.columns.iter().position(|known| known.name == column);
    position.expect("a moved table has the columns that its family names")
}

/// The user action that a row of a table stands for.
#[derive(Clone, Copy, Debug)]
pub struct Action {
    /// Its name.
    pub name: &'static str,
    /// The position of the user's column.
    pub user: usize,
    /// The position of the time column; without one an action counts on the day of the row it belongs to.
    pub at: Option<usize>,
}
