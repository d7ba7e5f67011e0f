//! The declaration of a resource, from which the command line, the settings, imports and the server follow.

use std::sync::LazyLock;

use utoipa_axum::router::OpenApiRouter;

use crate::archive::Family;
use crate::federation::sql::ListStatements;
use crate::import::Noun;
use crate::schema::Table;
use crate::tier::{Statement, Tier};
use crate::web::state::App;

/// The declaration of one resource.
#[derive(Debug)]
pub struct Resource {
    /// The name in settings, on the command line and in `archive_state`.
    pub name: &'static str,
    /// Its tables in hot, parents before children.
    pub tables: &'static [&'static Table],
    /// Its tables in cold: the versions of moved rows.
    pub cold: &'static [&'static Table],
    /// Its tables of counted blocks in cold.
    pub blocks: &'static [&'static Table],
    /// The statements of its lists.
    pub lists: &'static [&'static LazyLock<ListStatements>],
    /// Its other statements.
    pub queries: fn() -> Vec<&'static Statement>,
    /// The kinds of records that files can hold of it, parents before children.
    pub imports: &'static [&'static Noun],
    /// Its routes, if it has any.
    pub routes: Option<fn() -> OpenApiRouter<App>>,
    /// Its movement between the tiers; `None` for a resource that stays in one tier.
    pub moves: Option<Moves>,
}

/// The movement of a resource between the tiers.
#[derive(Debug)]
pub struct Moves {
    /// Returns its family.
    pub family: fn() -> &'static Family,
    /// Whether the setting `due = "activity"` exists for it: a row is then as old as its newest child.
    pub due_by_activity: bool,
}

impl Resource {
    /// Declares a resource with these tables in hot. It stays there until [`Resource::moving`] says otherwise.
    pub const fn new(name: &'static str, tables: &'static [&'static Table]) -> Self {
        Self {
            name,
            tables,
            cold: &[],
            blocks: &[],
            lists: &[],
            queries: Vec::new,
            imports: &[],
            routes: None,
            moves: None,
        }
    }

    /// Adds its tables in cold: the versions of moved rows, and counted blocks.
    #[must_use]
    pub const fn in_cold(self, cold: &'static [&'static Table], blocks: &'static [&'static Table]) -> Self {
        Self { cold, blocks, ..self }
    }

    /// Adds its lists.
    #[must_use]
    pub const fn listed(self, lists: &'static [&'static LazyLock<ListStatements>]) -> Self {
        Self { lists, ..self }
    }

    /// Adds its other statements.
    #[must_use]
    pub const fn querying(self, queries: fn() -> Vec<&'static Statement>) -> Self {
        Self { queries, ..self }
    }

    /// Adds what can be imported.
    #[must_use]
    pub const fn importing(self, imports: &'static [&'static Noun]) -> Self {
        Self { imports, ..self }
    }

    /// Adds its routes.
    #[must_use]
    pub const fn routed(self, routes: fn() -> OpenApiRouter<App>) -> Self {
        Self { routes: Some(routes), ..self }
    }

    /// Declares that it moves between the tiers.
    #[must_use]
    pub const fn moving(self, moves: Moves) -> Self {
        Self { moves: Some(moves), ..self }
    }

    /// Returns every statement of the resource, as it is sent.
    pub fn statements(&self) -> Vec<Statement> {
        let lists = self.lists.iter().flat_map(|list| list.all());
        lists.chain((self.queries)()).copied().collect()
    }

    /// Returns the statements of the usual pages in a tier.
    pub fn usual_statements(&self, tier: Tier) -> Vec<Statement> {
        self.lists.iter().flat_map(|list| list.usual(tier)).copied().collect()
    }

    /// Returns its family; `None` for a resource that does not move.
    pub fn family(&self) -> Option<&'static Family> {
        self.moves.as_ref().map(|moves| (moves.family)())
    }
}
