//! The tables of both tiers, declared once for every engine: [`hot::TABLES`] and [`cold::TABLES`].
//!
//! The SQL that makes them ([`emit`]), the comparison with a live database ([`diff`], [`findings`], [`standing`]) and the documentation
//! ([`docs`]) follow from the declaration. All of it is pure.

pub mod cold;
pub mod dialect;
pub mod diff;
pub mod docs;
pub mod emit;
pub mod findings;
pub mod hot;
pub mod model;
pub mod standing;

pub use dialect::Dialect;
pub use hot::{COMMENTS, CONVERSATIONS, LIKES, MESSAGES, PLATFORM, POSTS, PRICES, STOCKS, USERS};
pub use model::Model;
pub use thermocline_core::table::*;

/// The resources that move, each with a row in `archive_state` and in `archive_head`.
const RESOURCES: &[&str] = &["messages", "posts", "prices"];
/// A resource's name.
const RESOURCE: Column = column("resource", Kind::Text).form(Form::Code(20));

/// `archive_erasures`, the same in both tiers, so that no backup of one brings a row back.
const ERASURES: Table = table(
    "archive_erasures",
    &[RESOURCE, column("id", Kind::Int), column("reason", Kind::Text), column("at", Kind::Time)],
    "Rows that were erased: no move, import or recovery brings one back.",
)
.key(&["resource", "id"]);
