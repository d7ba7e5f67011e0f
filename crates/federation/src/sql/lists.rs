//! The statements of a list, assembled from its declaration.

use super::blocks::BlockStatements;
use super::shapes::{Shape, ShapeStatements};
use super::templates::queries;
use crate::reads::List;
use thermocline_core::keyset::{Order, Slice};
use thermocline_core::table::{Column, Table};
use thermocline_database::{Fragment, Record, Statement, Tier, TierError, Value};
use thermocline_journal::live::{self, Kind};

/// The orders of a list, as they are numbered.
const ORDERS: [Order; 2] = [Order::Desc, Order::Asc];
/// The most rows that a statement of a common slice returns: a page, the row of its cursor and one more.
const MOST_ROWS: i64 = 128;
/// The same of a list by day, whose rows are read in larger parts.
const MOST_DAYS: i64 = 1_024;

/// The archive state in an answer of hot.
const STATE_COLUMNS: &str = "s.epoch, s.token, s.cold_newest_at, s.cold_newest_id";

/// A list with its SQL.
pub trait SqlList: List {
    /// Returns its statements.
    fn statements(&self) -> &'static ListStatements;

    /// Returns the parameters of its filter.
    fn filter(&self) -> Vec<Value>;

    /// Returns the scope that its rows are counted under in blocks.
    fn scope(&self) -> Option<i64> {
        None
    }

    /// Returns how rows of hot get their versions, if the newest page is to come with a token of the change feed.
    fn followed(&self) -> Option<Kind> {
        None
    }

    /// Reads a row.
    fn read(&self, record: &Record) -> Result<Self::Row, TierError>;
}

/// The declaration of a list: the rows of one table, filtered by columns that equal a parameter, newest first.
///
/// The list is ordered by `created_at` and `id` unless [`ListSpec::by_day`] says otherwise. If the table moves, the list is
/// read from both tiers.
#[derive(Clone, Copy, Debug)]
pub struct ListSpec {
    name: &'static str,
    resource: &'static str,
    table: &'static Table,
    filter: &'static [&'static str],
    hidden: &'static [&'static str],
    day: Option<&'static str>,
    containing: Option<&'static str>,
    parent: Option<&'static str>,
    children: &'static [Children],
    blocks: Option<&'static str>,
    scope: Option<&'static str>,
    scattered: bool,
}

/// A number of children that is shown with each row.
#[derive(Clone, Copy, Debug)]
pub struct Children {
    /// The column that shows it.
    pub column: &'static str,
    /// The table of the children.
    pub table: &'static Table,
    /// The column of that table which holds the row's id.
    pub owner: &'static str,
}

impl ListSpec {
    /// Declares the list `name` of all rows of `table`, whose epoch is that of `resource`.
    pub const fn new(name: &'static str, resource: &'static str, table: &'static Table) -> Self {
        Self {
            name,
            resource,
            table,
            filter: &[],
            hidden: &[],
            day: None,
            containing: None,
            parent: None,
            children: &[],
            blocks: None,
            scope: None,
            scattered: false,
        }
    }

    /// Keeps the rows in which each of these columns equals a parameter.
    #[must_use]
    pub const fn filtered_by(self, columns: &'static [&'static str]) -> Self {
        Self { filter: columns, ..self }
    }

    /// Leaves columns out of the rows.
    #[must_use]
    pub const fn hiding(self, columns: &'static [&'static str]) -> Self {
        Self { hidden: columns, ..self }
    }

    /// Orders the list by a column of days, of which the filter leaves at most one row each.
    #[must_use]
    pub const fn by_day(self, column: &'static str) -> Self {
        Self { day: Some(column), ..self }
    }

    /// Keeps the rows in which this column contains a parameter, which follows those of the filter. ASCII letters in the
    /// parameter must be in lower case.
    #[must_use]
    pub const fn containing(self, column: &'static str) -> Self {
        Self { containing: Some(column), ..self }
    }

    /// Says that the rows move with a row of `table`, whose id is the first parameter of the filter.
    #[must_use]
    pub const fn moving_with(self, table: &'static Table) -> Self {
        Self { parent: Some(table.name), ..self }
    }

    /// Shows numbers of children with each row.
    #[must_use]
    pub const fn with_children(self, children: &'static [Children]) -> Self {
        Self { children, ..self }
    }

    /// Says that its rows in cold are counted in this table of blocks.
    #[must_use]
    pub const fn counted_in(self, blocks: &'static str) -> Self {
        Self { blocks: Some(blocks), ..self }
    }

    /// Says that changes of its rows are in the change feed, under the scope in this column.
    #[must_use]
    pub const fn followed_by(self, scope: &'static str) -> Self {
        Self { scope: Some(scope), ..self }
    }

    /// Says that its rows are in many shards where tables are spread over workers.
    #[must_use]
    pub const fn scattered(self) -> Self {
        Self { scattered: true, ..self }
    }

    /// Assembles its statements.
    ///
    /// # Panics
    /// When the declaration names a column that the table does not have.
    pub fn statements(&self) -> ListStatements {
        let cold = self.table.archived.map(|table| self.cold(table));
        let slice = ORDERS.map(|order| self.hot(queries::hot_slice(), "hot_slice", 8, order, vec![]));
        let shapes = ShapeStatements::new(self.day.is_some(), self.most(), |shape| {
            self.hot_rows(shape, &format!("hot_{}", shape.name()), vec![])
        });
        let find = self.hot(queries::hot_find(), "hot_find", 2, Order::Desc, vec![]);
        let reads_text = self.containing.is_some();
        let feed = self.scope.map(|scope| self.feed(scope));
        let hot = SliceStatements { shapes: Some(shapes), slice };
        ListStatements { reads_text, hot, hot_find: Some(find), cold, feed }
    }

    /// Returns the most rows that a statement of a shape returns.
    const fn most(&self) -> i64 {
        if self.day.is_some() { MOST_DAYS } else { MOST_ROWS }
    }

    /// Assembles the statement of a shape in hot.
    fn hot_rows(&self, shape: Shape, name: &str, mut values: Vec<(&'static str, Fragment)>) -> Statement {
        let by_day = self.day.is_some();
        let take = shape.bounds(by_day) + 1;
        let names = Names { table: self.table.name, id: "id", of: |column| column.name, sign: "" };
        let (filter, _) = self.filter(&names, take + 1);
        let conditions = filter.then(&shape.span(by_day));
        let conditions = match conditions.strip_end(" AND ") {
            Some(conditions) => Fragment::from("\n    WHERE ").then(&conditions),
            None => Fragment::from(""),
        };
        values.push(("conditions", conditions));
        values.extend(self.shape_values(shape, take));
        self.hot(queries::hot_rows(), name, take + 1, shape.order(), values)
    }

    /// Assembles the statement of a shape in cold.
    fn cold_rows(&self, shape: Shape, table: &'static str) -> Statement {
        let by_day = self.day.is_some();
        let take = shape.bounds(by_day) + 1;
        let mut values = vec![("span", shape.span(by_day))];
        values.extend(self.shape_values(shape, take));
        let name = format!("cold_{}", shape.name());
        self.in_cold(queries::cold_rows(), &name, table, take + 1, shape.order(), values)
    }

    fn shape_values(&self, shape: Shape, take: usize) -> Vec<(&'static str, Fragment)> {
        vec![
            ("bounds", shape.parameters(self.day.is_some()).into()),
            ("take", format!("${take}").into()),
            ("most", self.most().to_string().into()),
        ]
    }

    /// Fills in the templates of the change feed.
    fn feed(&self, scope: &str) -> FeedStatements {
        let unfiltered = Self { filter: &[], ..*self };
        let changes = |kind: Kind, of_scopes: bool| {
            let scopes = if of_scopes { queries::of_scopes().into() } else { Fragment::from("") };
            let (name, parameters) =
                if of_scopes { ("changes_of", ", scopes ints") } else { ("changes", "") };
            let columns: Vec<String> = self.shown().map(|column| format!("r.{}", column.name)).collect();
            let values = [
                ("state", queries::state().into()),
                ("scopes", scopes),
                ("bound", live::bound(kind).into()),
                ("scope", scope.into()),
                ("columns", columns.join(", ").into()),
                ("table", self.table.name.into()),
                ("resource", self.resource.into()),
                ("parameters", parameters.into()),
            ];
            let subject = if kind == Kind::Transaction { live::name(kind) } else { self.name };
            let changes = queries::changes().assemble(&format!("{}.{name}", self.name), subject, &values);
            if kind == Kind::Transaction { changes.without_postgres() } else { changes }
        };
        let both = |kind| [changes(kind, false), changes(kind, true)];
        let newest = |kind: Kind| {
            let subject = if kind == Kind::Transaction { live::name(kind) } else { self.name };
            // SQL Server reads the bound outside of snapshots. Before the snapshot of the rows it is never too high.
            let (prelude, bound) = if kind == Kind::Transaction {
                (String::new(), format!("CAST({} AS BIGINT)", live::bound(kind)))
            } else {
                let declared = format!("DECLARE @bound BIGINT = CAST({} AS BIGINT);\n", live::bound(kind));
                (declared, "@bound".to_owned())
            };
            let none = Fragment::from("");
            let values = || {
                vec![
                    ("prelude", none.clone().in_mssql(&prelude)),
                    ("state_columns", format!("{STATE_COLUMNS}, s.incarnation, s.bound").into()),
                    ("state", queries::state_with_bound().into()),
                    ("bound", bound.as_str().into()),
                ]
            };
            let rows = self.hot_rows(Shape::Newest, "hot_newest_followed", values());
            let slice = self.hot(queries::hot_slice(), "hot_slice_followed", 8, Order::Desc, values());
            [rows, slice].map(|statement| {
                let statement = statement.of_subject(subject);
                if kind == Kind::Transaction { statement.without_postgres() } else { statement }
            })
        };
        let table = self.table.archived.unwrap_or(self.table.name);
        FeedStatements {
            now: [live::now(Kind::RowVersion), live::now(Kind::Transaction)],
            changes: [both(Kind::RowVersion), both(Kind::Transaction)],
            newest: [newest(Kind::RowVersion), newest(Kind::Transaction)],
            moved: unfiltered.in_cold(
                queries::cold_find_all(),
                "cold_find_all",
                table,
                2,
                Order::Desc,
                vec![],
            ),
        }
    }

    fn cold(&self, table: &'static str) -> ColdStatements {
        let of_filter: Vec<&str> = self.filter.iter().map(|name| self.column(name).archived).collect();
        let of_shards = |statement: Statement| {
            if self.scattered { statement } else { statement.of_one_shard(&of_filter) }
        };
        let desc = |template, name, epoch| self.in_cold(template, name, table, epoch, Order::Desc, vec![]);
        let slice = ORDERS.map(|order| {
            of_shards(self.in_cold(queries::cold_slice(), "cold_slice", table, 7, order, vec![]))
        });
        let shapes = ShapeStatements::new(self.day.is_some(), self.most(), |shape| {
            of_shards(self.cold_rows(shape, table))
        });
        ColdStatements {
            rows: SliceStatements { shapes: Some(shapes), slice },
            find: Some(desc(queries::cold_find(), "cold_find", 2)),
            count: Some(of_shards(desc(queries::cold_count(), "cold_count", 7))),
            blocks: self.blocks.map(BlockStatements::of),
        }
    }

    /// Fills in a template of hot whose filter begins at the parameter `first`. `values` come first.
    fn hot(
        &self,
        template: &Statement,
        name: &str,
        first: usize,
        order: Order,
        mut values: Vec<(&'static str, Fragment)>,
    ) -> Statement {
        let columns: Vec<&str> = self.shown().map(|column| column.name).collect();
        let children = self.children.iter().map(|children| {
            let values = [("child", children.table.name.into()), ("owner", children.owner.into())];
            (children.column, Fragment::from(queries::hot_children()).fill_all(&values))
        });
        let (state, span) = match (self.parent, self.day) {
            (Some(_), _) => (queries::state_of_children(), queries::hot_span()),
            (None, None) => (queries::state(), queries::hot_span()),
            (None, Some(_)) => (queries::state(), queries::hot_span_of_days()),
        };
        values.extend([
            ("prelude", "".into()),
            ("state_columns", STATE_COLUMNS.into()),
            ("state", state.into()),
            ("parent", self.parent.unwrap_or_default().into()),
            ("owner", format!("${first}").into()),
        ]);
        let names = Names { table: self.table.name, id: "id", of: |column| column.name, sign: "" };
        values.extend(self.values(&names, first, span, order, &columns.join(", "), children));
        self.assemble(template, name, order, &values)
    }

    /// Assembles a statement from its template. The subject of one that reads oldest first is `ascending`.
    fn assemble(
        &self,
        template: &Statement,
        name: &str,
        order: Order,
        values: &[(&str, Fragment)],
    ) -> Statement {
        let subject = if order == Order::Asc { "ascending" } else { self.name };
        template.assemble(&format!("{}.{name}", self.name), subject, values)
    }

    /// Fills in a template of cold whose epoch is the parameter `epoch`; the token and the filter follow it. `values` come
    /// first.
    fn in_cold(
        &self,
        template: &Statement,
        name: &str,
        table: &'static str,
        epoch: usize,
        order: Order,
        mut values: Vec<(&'static str, Fragment)>,
    ) -> Statement {
        let column = |column: &Column| match column.archived {
            archived if archived == column.name => archived.to_owned(),
            archived => format!("{archived} AS {}", column.name),
        };
        let columns: Vec<String> = self.shown().map(column).collect();
        // A row by its id is in the shard of that id, and so are its children.
        let by_id = name.starts_with("cold_find");
        let row = if by_id { Fragment::from("$1") } else { queries::listed_row().into() };
        let children = self.children.iter().map(|children| {
            let child = children.table.archived.unwrap_or(children.table.name);
            let values = [("child", child.into()), ("owner", children.owner.into()), ("row", row.clone())];
            (children.column, Fragment::from(queries::cold_children()).fill_all(&values))
        });
        let span = if self.day.is_some() { queries::cold_span_of_days() } else { queries::cold_span() };
        let names = Names::in_cold(table);
        let (unindexed, _) = self.filter(&Names { sign: "+", ..names }, epoch + 2);
        values.extend([("proof", queries::proof().into()), ("unindexed", unindexed)]);
        values.extend(self.values(&names, epoch + 2, span, order, &columns.join(", "), children));
        values.push(("epoch", format!("${epoch}").into()));
        values.push(("token", format!("${}", epoch + 1).into()));
        self.assemble(template, name, order, &values)
    }

    /// Returns the values for templates of either tier. The filter begins at the parameter `first`.
    fn values(
        &self,
        names: &Names,
        first: usize,
        span: &Statement,
        order: Order,
        columns: &str,
        children: impl Iterator<Item = (&'static str, Fragment)>,
    ) -> Vec<(&'static str, Fragment)> {
        let direction = if order == Order::Asc { "ASC" } else { "DESC" };
        let order = |prefix: &str, id: &str| match self.day {
            Some(day) => format!("{prefix}{day} {direction}"),
            None => format!("{prefix}created_at {direction}, {prefix}{id} {direction}"),
        };
        let mut extra = Fragment::from("");
        for (column, number) in children {
            extra = extra.then(&",\n    ".into()).then(&number).then(&format!(" AS {column}").into());
        }
        let (filter, parameters) = self.filter(names, first);
        vec![
            ("where", filter),
            ("span", span.into()),
            ("extra", extra),
            ("columns", columns.into()),
            ("order", order("", names.id).into()),
            ("merged_order", order("", "id").into()),
            ("row_order", order("r.", "id").into()),
            ("at", self.day.unwrap_or("created_at").into()),
            // The day alone is the key of a list by day.
            ("id", if self.day.is_some() { "0" } else { names.id }.into()),
            ("table", names.table.into()),
            ("resource", self.resource.into()),
            ("parameters", parameters.into()),
            ("index", self.index().into()),
        ]
    }

    /// Returns the conditions of the filter, each followed by `AND`, and the description of their parameters.
    fn filter(&self, names: &Names, first: usize) -> (Fragment, String) {
        let (mut conditions, mut parameters) = (Fragment::from(""), String::new());
        for (place, name) in self.filter.iter().enumerate() {
            let column = (names.of)(self.column(name));
            let condition = format!("{}{column} = ${} AND ", names.sign, first + place);
            conditions = conditions.then(&condition.into());
            parameters.extend([", ", &self.column(name).parameter()]);
        }
        if let Some(name) = self.containing {
            let text = format!("${}", first + self.filter.len());
            let values = [("column", (names.of)(self.column(name)).into()), ("text", text.into())];
            let condition = Fragment::from(queries::containing()).fill_all(&values);
            conditions = conditions.then(&condition).then(&" AND ".into());
            parameters += ", part text";
        }
        (conditions, parameters)
    }

    /// Returns the columns that are not hidden.
    fn shown(&self) -> impl Iterator<Item = &'static Column> {
        for name in self.hidden {
            self.column(name);
        }
        self.table.columns.iter().filter(|column| !self.hidden.contains(&column.name))
    }

    fn column(&self, name: &str) -> &'static Column {
        let column = self.table.columns.iter().find(|column| column.name == name);
        column.unwrap_or_else(|| panic!("{} has no column {name}", self.table.name))
    }

    /// Returns the name of the index that serves the list, for the description of its statements.
    fn index(&self) -> &'static str {
        let key: &[&str] = match self.day {
            Some(day) => &[day],
            None => &["created_at", "id"],
        };
        let columns: Vec<&str> = self.filter.iter().chain(key).copied().collect();
        let serves = |index: &&thermocline_core::table::Index| {
            let names = index.columns.iter().map(|column| column.trim_end_matches(" DESC"));
            names.eq(columns.iter().copied())
        };
        self.table.indexes.iter().find(serves).map_or("none", |index| index.name)
    }
}

/// The names of a list's table and columns in one tier.
#[derive(Clone, Copy)]
struct Names {
    table: &'static str,
    id: &'static str,
    of: fn(&Column) -> &'static str,
    /// The sign before the columns of the filter. With a `+` no index on them is used.
    sign: &'static str,
}

impl Names {
    fn in_cold(table: &'static str) -> Self {
        Self { table, id: "original_id", of: |column| column.archived, sign: "" }
    }
}

/// The statements that read slices of a list in one tier.
#[derive(Debug)]
pub(super) struct SliceStatements {
    /// Those of the common slices; none for a list that no template serves.
    shapes: Option<ShapeStatements>,
    /// Those for every slice, newest first and oldest first.
    slice: [Statement; 2],
}

impl SliceStatements {
    /// Returns the statement for a slice of which nothing is counted, and its parameters up to the length of the slice; `None`
    /// if only [`SliceStatements::any`] serves it.
    pub fn shape(&self, slice: Slice) -> Option<(&Statement, Vec<Value>)> {
        self.shapes.as_ref()?.of(slice)
    }

    /// Returns the statement for slices of every kind.
    pub const fn any(&self, order: Order) -> &Statement {
        &self.slice[order as usize]
    }

    fn usual(&self) -> impl Iterator<Item = &Statement> {
        self.shapes.iter().flat_map(|shapes| &shapes.all()[..1]).chain(&self.slice[..1])
    }

    fn all(&self) -> impl Iterator<Item = &Statement> {
        self.slice.iter().chain(self.shapes.iter().flat_map(ShapeStatements::all))
    }
}

/// The statements of a list.
#[derive(Debug)]
pub struct ListStatements {
    /// Whether the statements read texts row by row, so that one that finds nothing reads all of them.
    pub reads_text: bool,
    pub(super) hot: SliceStatements,
    pub(super) hot_find: Option<Statement>,
    pub(super) cold: Option<ColdStatements>,
    pub(crate) feed: Option<FeedStatements>,
}

/// The statements of a change feed. The servers of SQL Server's protocol tell the bound in different ways; the first of two is
/// also that of SQLite and PostgreSQL.
#[derive(Debug)]
pub(crate) struct FeedStatements {
    now: [Statement; 2],
    changes: [[Statement; 2]; 2],
    /// Read the newest rows with the token of now: as they are, and counted.
    newest: [[Statement; 2]; 2],
    /// Reads rows that have moved.
    pub moved: Statement,
}

impl FeedStatements {
    /// Returns the statement that reads the token of now.
    pub const fn now(&self, kind: Kind) -> &Statement {
        &self.now[matches!(kind, Kind::Transaction) as usize]
    }

    /// Returns the statement that reads the newest rows with the token of now, and maybe their number.
    pub const fn newest(&self, kind: Kind, count: bool) -> &Statement {
        &self.newest[matches!(kind, Kind::Transaction) as usize][count as usize]
    }

    /// Returns the statement that reads changes, of some scopes or of all.
    pub const fn changes(&self, kind: Kind, of_scopes: bool) -> &Statement {
        &self.changes[matches!(kind, Kind::Transaction) as usize][of_scopes as usize]
    }
}

#[derive(Debug)]
pub(super) struct ColdStatements {
    pub rows: SliceStatements,
    pub find: Option<Statement>,
    pub count: Option<Statement>,
    pub blocks: Option<BlockStatements>,
}

/// Binds a slice to both orders. It has `{direction}` after each column that it is ordered by.
fn both_orders(slice: &Statement) -> SliceStatements {
    let slice = [("descending", "DESC"), ("ascending", "ASC")]
        .map(|(subject, direction)| slice.bind(subject, &[("direction", direction)]));
    SliceStatements { shapes: None, slice }
}

impl ListStatements {
    /// Takes the statements of a list that no template serves: its slice and, if its rows have ids, its row by id. The slice
    /// has `{direction}` behind each column it is ordered by.
    pub fn custom(slice: &Statement, find: Option<&Statement>) -> Self {
        Self { reads_text: false, hot: both_orders(slice), hot_find: find.copied(), cold: None, feed: None }
    }

    /// Adds a slice of the same list in cold.
    #[must_use]
    pub fn custom_in_cold(self, slice: &Statement) -> Self {
        let cold = ColdStatements { rows: both_orders(slice), find: None, count: None, blocks: None };
        Self { cold: Some(cold), ..self }
    }

    /// Returns the statements of the usual pages: the newest rows, and numbered pages. None of a list that reads texts.
    pub fn usual(&self, tier: Tier) -> Vec<&Statement> {
        if self.reads_text {
            return Vec::new();
        }
        let rows = match tier {
            Tier::Hot => Some(&self.hot),
            Tier::Cold => self.cold.as_ref().map(|cold| &cold.rows),
        };
        rows.into_iter().flat_map(SliceStatements::usual).collect()
    }

    /// Returns every statement of the list, newest first and oldest first.
    pub fn all(&self) -> Vec<&Statement> {
        let mut all: Vec<&Statement> = self.hot.all().chain(&self.hot_find).collect();
        if let Some(cold) = &self.cold {
            all.extend(cold.rows.all().chain(&cold.find).chain(&cold.count));
            all.extend(cold.blocks.iter().flat_map(BlockStatements::all));
        }
        if let Some(feed) = &self.feed {
            all.extend(
                feed.changes.iter().flatten().chain(feed.newest.iter().flatten()).chain([&feed.moved]),
            );
        }
        all
    }
}
