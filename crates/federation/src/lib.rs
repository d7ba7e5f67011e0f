//! One list out of two tiers.
//!
//! A reader takes the **epoch** and its hot rows in one statement, and then reads cold at exactly that epoch. The archive
//! raises the epoch in the transaction that removes the rows from hot, after their cold copy is committed, so hot at E and
//! cold at E are disjoint and together are the whole list, even while rows move.
//!
//! From the outside in; each file uses only those below it:
//!
//! - [`feed`]: what was inserted, changed or erased, in the order of its versions
//! - `joint`: one question to both tiers at one epoch
//! - [`pagination`]: offsets, totals and cursors over two tiers; `page` what they return; `late_rows` for pages on which the
//!   tiers overlap
//! - `consistency`: reads that prove that both tiers belong to one instant; `attempt` begins one again that was overtaken
//! - [`merge`]: ranks and merging, pure
//! - [`cache`]: totals and snapshots, kept between requests; [`local`]: rows of cold that a server keeps; [`shared`]: answers of cold
//!   that servers keep for each other
//! - [`sql`]: answers [`reads`] from any [`thermocline_database::Engine`]
//! - [`reads`]: slices and counts that one tier can answer alone
//!
//! This crate depends neither on HTTP nor on any resource.

pub mod cache;
pub mod feed;
pub mod local;
pub mod merge;
pub mod pagination;
pub mod reads;
pub mod shared;
pub mod sql;

mod attempt;
mod consistency;
mod error;
mod joint;
mod late_rows;
mod page;

pub use cache::ReadCache;
pub use error::ReadError;
pub use feed::{Change, Changed, Changes, Feed, FeedError};
pub use joint::{Answers, Joint};
pub use local::LocalCache;
pub use merge::Placed;
pub use pagination::{Count, Page, Tiers};
pub use reads::{ColdCount, ColdError, Hot, HotCount, HotRows, HotSnapshot, List};
pub use shared::{SharedCache, SharedStore};
