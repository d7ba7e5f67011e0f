//! The two tiers of a list, read with SQL through any engine.
//!
//! A list is declared as a [`ListSpec`]; its statements are assembled from templates. The common slices (module `shapes`) have
//! statements of their own, which take the bounds they have, the number of rows, in cold epoch and token, and then the filter.
//! The others take the same first parameters, then those of the list's filter:
//!
//! | hot | cold | meaning |
//! |---|---|---|
//! | 1, 2 | 1, 2 | lower key, inclusive |
//! | 3, 4 | 3, 4 | upper key, exclusive |
//! | 5, 6 | 5, 6 | take, skip |
//! | 7 | | whether to count |
//! | | 7, 8 | epoch, token |
//! | 8… | 9… | the filter |
//!
//! `find` statements take the id in place of the first six, then the same. A record whose `id` is NULL is
//! not a row of the list: it only carries the state or the proof.

mod assembly;
mod blocks;
mod cold;
mod feed;
mod hot;
mod joint;
mod kept;
mod lists;
mod parts;
mod rows;
mod shapes;
mod signatures;
mod statements;
mod templates;

pub use cold::SqlCold;
pub(crate) use feed::FeedStatements;
pub use hot::SqlHot;
pub(crate) use hot::hot_snapshot;
pub use joint::JointStatements;
pub use kept::KeptCold;
pub use lists::{Children, ListSpec, SqlList};
pub use statements::ListStatements;
