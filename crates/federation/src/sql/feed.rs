//! The statements of a list's change feed.

use super::assembly::{STATE_COLUMNS, StateSql};
use super::lists::ListSpec;
use super::shapes::Shape;
use super::templates::queries;
use thermocline_core::keyset::Order;
use thermocline_database::{Fragment, Statement};
use thermocline_journal::live::{self, Kind};

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

/// The kinds of version that differ in their statements, as the statements are numbered.
const KINDS: [Kind; 2] = [Kind::RowVersion, Kind::Transaction];

impl FeedStatements {
    /// Returns the statement that reads the token of now.
    pub const fn now(&self, kind: Kind) -> &Statement {
        &self.now[matches!(kind, Kind::Transaction) as usize]
    }

    /// Returns the statement that reads the newest rows with the token of now: that of a common slice, or the one that counts.
    pub const fn newest(&self, kind: Kind, counted: bool) -> &Statement {
        &self.newest[matches!(kind, Kind::Transaction) as usize][counted as usize]
    }

    /// Returns the statement that reads changes, of some scopes or of all.
    pub const fn changes(&self, kind: Kind, of_scopes: bool) -> &Statement {
        &self.changes[matches!(kind, Kind::Transaction) as usize][of_scopes as usize]
    }

    /// Returns the statements that belong to this list alone.
    pub(super) fn listed(&self) -> impl Iterator<Item = &Statement> {
        self.changes.iter().chain(&self.newest).flatten().chain([&self.moved])
    }
}

impl ListSpec {
    /// Assembles the statements of the change feed, whose scope is in this column.
    pub(super) fn feed(&self, scope: &str) -> FeedStatements {
        let unfiltered = Self { filter: &[], ..*self };
        FeedStatements {
            now: KINDS.map(live::now),
            changes: KINDS.map(|kind| [false, true].map(|of_scopes| self.changes(kind, scope, of_scopes))),
            newest: KINDS.map(|kind| self.newest(kind)),
            moved: unfiltered.in_cold(queries::cold_find_all(), "cold_find_all", 2, Order::Desc),
        }
    }

    fn changes(&self, kind: Kind, scope: &str, of_scopes: bool) -> Statement {
        let (name, parameters, scopes) = if of_scopes {
            ("changes_of", ", scopes ints", Fragment::from(queries::of_scopes()))
        } else {
            ("changes", "", Fragment::from(""))
        };
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
        live::of_kind(kind, self.assemble(queries::changes(), name, Order::Desc, &values))
    }

    fn newest(&self, kind: Kind) -> [Statement; 2] {
        let bound = format!("CAST({} AS BIGINT)", live::bound(kind));
        // SQL Server reads the bound outside of snapshots. Before the snapshot of the rows it is never too high.
        let (prelude, bound) = if kind == Kind::Transaction {
            (String::new(), bound)
        } else {
            (format!("DECLARE @bound BIGINT = {bound};\n"), "@bound".to_owned())
        };
        let state = StateSql {
            prelude: Fragment::from("").in_mssql(&prelude),
            columns: format!("{STATE_COLUMNS}, s.incarnation, s.bound"),
            source: Fragment::from(queries::state_with_bound()).fill("bound", &bound.into()),
        };
        let rows = self.hot_rows(Shape::Newest, "hot_newest_followed", &state);
        let counted = self.hot_numbered("hot_numbered_followed", Order::Desc, &state);
        [rows, counted].map(|statement| live::of_kind(kind, statement))
    }
}
