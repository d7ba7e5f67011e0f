//! Statements of a list, assembled from its declaration and the templates.

use super::blocks::BlockStatements;
use super::lists::ListSpec;
use super::shapes::{Shape, ShapeStatements, most};
use super::signatures::SignatureStatements;
use super::statements::{ColdStatements, ListStatements, SliceStatements};
use super::templates::queries;
use thermocline_core::keyset::Order;
use thermocline_core::table::{Column, Index};
use thermocline_database::{Fragment, Statement, WhichShards};

/// The orders of a list, as they are numbered.
const ORDERS: [Order; 2] = [Order::Desc, Order::Asc];
/// The first parameter of the filter behind that of the epoch; the token is between them.
const AFTER_EPOCH: usize = 2;
/// The archive state in an answer of hot.
pub(super) const STATE_COLUMNS: &str = "s.epoch, s.token, s.cold_newest_at, s.cold_newest_id";

/// Values for the names of a template. A value may hold names that come later.
type Values = Vec<(&'static str, Fragment)>;

/// The way in which a statement of hot reads the archive state.
pub(super) struct StateSql {
    /// The text before the statement.
    pub prelude: Fragment,
    /// The columns of the state in the answer.
    pub columns: String,
    /// The query of the state.
    pub source: Fragment,
}

impl ListSpec {
    /// Assembles its statements.
    ///
    /// # Panics
    /// When the declaration names a column that the table does not have.
    pub fn statements(&self) -> ListStatements {
        let state = self.state();
        let shape = |shape: Shape| self.hot_rows(shape, &format!("hot_{}", shape.name()), &state);
        let find = self.hot_values(2, Order::Desc, &state);
        ListStatements {
            reads_text: self.containing.is_some(),
            hot: self.slices(shape, |order| self.hot_slice(order, &state)),
            hot_numbered: Some(ORDERS.map(|order| self.hot_numbered("hot_numbered", order, &state))),
            hot_find: Some(self.assemble(queries::hot_find(), "hot_find", Order::Desc, &find)),
            cold: self.table.archived.map(|_| self.cold()),
            feed: self.scope.map(|scope| self.feed(scope)),
        }
    }

    fn cold(&self) -> ColdStatements {
        let of_filter: Vec<&str> = self.filter.iter().map(|name| self.column(name).archived).collect();
        let table = self.table.archived.unwrap_or(self.table.name);
        // Rows that are not scattered are in the shard of the first column of the filter, which is the parameter `key`.
        let of_shard = |statement: Statement, key: usize| match self.filter {
            _ if self.scattered => statement.in_shards_of(table, WhichShards::Each),
            [] => statement.of_one_shard(&of_filter),
            _ => statement.of_one_shard(&of_filter).in_shards_of(table, WhichShards::Of(key)),
        };
        let of_span = |statement| of_shard(statement, 7 + AFTER_EPOCH);
        let slice = |order| of_span(self.in_cold(queries::cold_slice(), "cold_slice", 7, order));
        let rows = |shape: Shape| {
            let epoch = shape.take(self.day.is_some()) + 1;
            of_shard(self.cold_rows(shape), epoch + AFTER_EPOCH)
        };
        // A row by its id is in the shard of that id, and so are its children.
        let find = self.cold_values(2, Order::Desc, "$1".into());
        let find = self.assemble(queries::cold_find(), "cold_find", Order::Desc, &find);
        let key = if self.scattered { 1 } else { 2 + AFTER_EPOCH };
        let find = if self.filter.is_empty() && !self.scattered {
            find
        } else {
            find.in_shards_of(table, WhichShards::Of(key))
        };
        let of_scope = |statement| of_shard(statement, 1);
        ColdStatements {
            rows: self.slices(rows, slice),
            find: Some(find),
            count: Some(of_span(self.in_cold(queries::cold_count(), "cold_count", 7, Order::Desc))),
            blocks: self.blocks.map(BlockStatements::of),
            signatures: self.signatures.map(|tables| self.signatures(tables, of_scope)),
        }
    }

    /// Assembles the statements that find the blocks in which a text can be.
    fn signatures(
        &self,
        (blocks, signatures): (&'static str, &'static str),
        of_scope: impl Fn(Statement) -> Statement,
    ) -> SignatureStatements {
        let scope = self.filter.first().map_or("scope", |name| self.column(name).archived);
        let table = self.table.archived.unwrap_or(self.table.name);
        SignatureStatements::new(|template, order, bits| {
            let values = [
                ("bits", bits),
                ("blocks", blocks.into()),
                ("signatures", signatures.into()),
                ("table", table.into()),
                ("scope", scope.into()),
                ("direction", if order == Order::Asc { "ASC" } else { "DESC" }.into()),
                ("parameters", SignatureStatements::parameters().into()),
            ];
            of_scope(self.assemble(template, "blocks_matching", order, &values))
        })
    }

    /// Assembles the statements of slices in one tier: of each shape, and of each order.
    fn slices(
        &self,
        shape: impl Fn(Shape) -> Statement,
        slice: impl Fn(Order) -> Statement,
    ) -> SliceStatements {
        let shapes = ShapeStatements::new(self.day.is_some(), shape);
        SliceStatements { shapes: Some(shapes), slice: ORDERS.map(slice) }
    }

    /// Assembles the statement of every slice in hot.
    fn hot_slice(&self, order: Order, state: &StateSql) -> Statement {
        self.assemble(queries::hot_slice(), "hot_slice", order, &self.hot_values(8, order, state))
    }

    /// Assembles the statement of a shape in hot.
    pub(super) fn hot_rows(&self, shape: Shape, name: &str, state: &StateSql) -> Statement {
        let by_day = self.day.is_some();
        let first = shape.take(by_day) + 1;
        let mut values = self.shape_values(shape);
        values.push(("conditions", self.hot_conditions(first, &shape.span(by_day))));
        values.extend(self.hot_values(first, shape.order(), state));
        self.assemble(queries::hot_rows(), name, shape.order(), &values)
    }

    /// Assembles the statement in hot that counts all rows and reads some from a place on.
    pub(super) fn hot_numbered(&self, name: &str, order: Order, state: &StateSql) -> Statement {
        let mut values = vec![
            ("ids_from_place", queries::ids_from_place().into()),
            ("conditions", self.hot_conditions(3, &"".into())),
        ];
        values.extend(self.hot_values(3, order, state));
        self.assemble(queries::hot_numbered(), name, order, &values)
    }

    /// Returns the `WHERE` of the filter, which begins at the parameter `first`, and of a span behind it, if there is a condition.
    fn hot_conditions(&self, first: usize, span: &Fragment) -> Fragment {
        let (filter, _) = self.filter(&Names::in_hot(self.table.name), first);
        match filter.then(span).strip_end(" AND ") {
            Some(conditions) => Fragment::from("\n    WHERE ").then(&conditions),
            None => Fragment::from(""),
        }
    }

    /// Assembles the statement of a shape in cold.
    fn cold_rows(&self, shape: Shape) -> Statement {
        let by_day = self.day.is_some();
        let mut values = self.shape_values(shape);
        // In the place of the span of slices.
        values.push(("span", shape.span(by_day)));
        values.extend(self.cold_values(shape.take(by_day) + 1, shape.order(), queries::listed_row().into()));
        self.assemble(queries::cold_rows(), &format!("cold_{}", shape.name()), shape.order(), &values)
    }

    fn shape_values(&self, shape: Shape) -> Values {
        let by_day = self.day.is_some();
        vec![
            ("bounds", shape.parameters(by_day).into()),
            ("take", format!("${}", shape.take(by_day)).into()),
            ("most", most(by_day).to_string().into()),
        ]
    }

    /// Assembles a statement of cold in which the epoch is the parameter `epoch`; the token and the filter follow it.
    pub(super) fn in_cold(&self, template: &Statement, name: &str, epoch: usize, order: Order) -> Statement {
        let values = self.cold_values(epoch, order, queries::listed_row().into());
        self.assemble(template, name, order, &values)
    }

    /// Assembles a statement from its template. The subject of one that reads oldest first is `ascending`.
    pub(super) fn assemble(
        &self,
        template: &Statement,
        name: &str,
        order: Order,
        values: &[(&str, Fragment)],
    ) -> Statement {
        let subject = if order == Order::Asc { "ascending" } else { self.name };
        template.assemble(&format!("{}.{name}", self.name), subject, values)
    }

    /// Returns how its statements of hot read the archive state.
    fn state(&self) -> StateSql {
        let source = if self.parent.is_some() { queries::state_of_children() } else { queries::state() };
        StateSql { prelude: "".into(), columns: STATE_COLUMNS.to_owned(), source: source.into() }
    }

    /// Returns the values for templates of hot. The filter begins at the parameter `first`.
    fn hot_values(&self, first: usize, order: Order, state: &StateSql) -> Values {
        let columns: Vec<&str> = self.shown().map(|column| column.name).collect();
        let children = self.children.iter().map(|children| {
            let values = [("child", children.table.name.into()), ("owner", children.owner.into())];
            (children.column, Fragment::from(queries::hot_children()).fill_all(&values))
        });
        let span = if self.day.is_some() { queries::span_of_days() } else { queries::hot_span() };
        let mut values = vec![
            ("prelude", state.prelude.clone()),
            ("state_columns", state.columns.as_str().into()),
            ("state", state.source.clone()),
            ("parent", self.parent.unwrap_or_default().into()),
            ("owner", format!("${first}").into()),
        ];
        let names = Names::in_hot(self.table.name);
        values.extend(self.values(&names, first, span, order, &columns.join(", "), children));
        values
    }

    /// Returns the values for templates of cold, with the id by which the children of a row are counted. The epoch is the
    /// parameter `epoch`; the token and the filter follow it.
    fn cold_values(&self, epoch: usize, order: Order, row: Fragment) -> Values {
        let column = |column: &Column| match column.archived {
            archived if archived == column.name => archived.to_owned(),
            archived => format!("{archived} AS {}", column.name),
        };
        let columns: Vec<String> = self.shown().map(column).collect();
        let children = self.children.iter().map(|children| {
            let child = children.table.archived.unwrap_or(children.table.name);
            let values = [("child", child.into()), ("owner", children.owner.into())];
            (children.column, Fragment::from(queries::cold_children()).fill_all(&values))
        });
        let span = if self.day.is_some() { queries::span_of_days() } else { queries::cold_span() };
        let names = Names::in_cold(self.table.archived.unwrap_or(self.table.name));
        let (unindexed, _) = self.filter(&Names { sign: "+", ..names }, epoch + 2);
        let mut values = vec![("proof", queries::proof().into()), ("unindexed", unindexed)];
        values.extend(self.values(&names, epoch + 2, span, order, &columns.join(", "), children));
        values.extend([
            ("row", row),
            ("epoch", format!("${epoch}").into()),
            ("token", format!("${}", epoch + 1).into()),
        ]);
        values
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
    ) -> Values {
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
    pub(super) fn shown(&self) -> impl Iterator<Item = &'static Column> {
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
        let serves = |index: &&Index| {
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
    fn in_hot(table: &'static str) -> Self {
        Self { table, id: "id", of: |column| column.name, sign: "" }
    }

    fn in_cold(table: &'static str) -> Self {
        Self { table, id: "original_id", of: |column| column.archived, sign: "" }
    }
}
