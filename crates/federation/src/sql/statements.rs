//! The statements of a list.

use super::blocks::BlockStatements;
use super::feed::FeedStatements;
use super::shapes::ShapeStatements;
use super::signatures::SignatureStatements;
use thermocline_core::keyset::{Order, Slice};
use thermocline_database::{Statement, Tier, Value};

/// The statements that read slices of a list in one tier.
#[derive(Debug)]
pub(super) struct SliceStatements {
    /// Those of the common slices; none for a list that no template serves.
    pub shapes: Option<ShapeStatements>,
    /// Those for every slice, newest first and oldest first.
    pub slice: [Statement; 2],
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

    /// Returns whether they come from a template, so that an answer of cold follows from the state of hot it was asked at.
    pub const fn is_templated(&self) -> bool {
        self.shapes.is_some()
    }

    fn usual(&self) -> impl Iterator<Item = &Statement> {
        self.shapes.iter().map(ShapeStatements::newest).chain(&self.slice[..1])
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
    /// Those that count all rows of the list and read some from a place on, newest first and oldest first; none for a list that no
    /// template serves.
    pub(super) hot_numbered: Option<[Statement; 2]>,
    pub(super) hot_find: Option<Statement>,
    pub(super) cold: Option<ColdStatements>,
    pub(crate) feed: Option<FeedStatements>,
}

#[derive(Debug)]
pub(super) struct ColdStatements {
    pub rows: SliceStatements,
    pub find: Option<Statement>,
    pub count: Option<Statement>,
    pub blocks: Option<BlockStatements>,
    pub signatures: Option<SignatureStatements>,
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
        Self {
            reads_text: false,
            hot: both_orders(slice),
            hot_numbered: None,
            hot_find: find.copied(),
            cold: None,
            feed: None,
        }
    }

    /// Adds a slice of the same list in cold.
    #[must_use]
    pub fn custom_in_cold(self, slice: &Statement) -> Self {
        let cold = ColdStatements {
            rows: both_orders(slice),
            find: None,
            count: None,
            blocks: None,
            signatures: None,
        };
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
        let numbered = self.hot_numbered.iter().flatten().take(1).filter(|_| tier == Tier::Hot);
        rows.into_iter().flat_map(SliceStatements::usual).chain(numbered).collect()
    }

    /// Returns every statement of the list, newest first and oldest first.
    pub fn all(&self) -> Vec<&Statement> {
        let mut all: Vec<&Statement> =
            self.hot.all().chain(self.hot_numbered.iter().flatten()).chain(&self.hot_find).collect();
        if let Some(cold) = &self.cold {
            all.extend(cold.rows.all().chain(&cold.find).chain(&cold.count));
            all.extend(cold.blocks.iter().flat_map(BlockStatements::all));
            all.extend(cold.signatures.iter().flat_map(SignatureStatements::all));
        }
        if let Some(feed) = &self.feed {
            all.extend(feed.listed());
        }
        all
    }
}
