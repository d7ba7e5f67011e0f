//! What every route shares: who is calling, what was asked, how a failure looks.
//!
//! No resource and no SQL may enter. A handler extracts with [`auth`] and [`params`], calls one function, and
//! answers with [`list`], [`etag`] or a [`problem::Problem`]; [`finish`] is the outermost middleware and has the
//! last word on errors.

pub mod auth;
pub mod context;
pub mod day;
pub mod etag;
pub mod finish;
pub mod list;
pub mod params;
pub mod problem;
pub mod state;
pub mod timing;

#[cfg(test)]
mod testing;
