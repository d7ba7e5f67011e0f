//! Code that all routes share. It contains no resource and no SQL.
//!
//! A handler extracts with [`auth`], [`context`] and [`params`], calls one function, and answers with [`list`], [`etag`] or
//! a [`problem::Problem`]. [`finish`] is the outermost middleware and renders every error.

pub mod accept;
pub mod admission;
pub mod auth;
pub mod base_path;
pub mod context;
pub mod cors;
mod counts;
pub mod day;
pub mod etag;
pub mod finish;
pub mod ids;
pub mod list;
pub mod live;
pub mod params;
pub mod problem;
pub mod schema;
pub mod security_headers;
pub mod shared;
pub mod state;
pub mod timing;

#[cfg(test)]
mod testing;
