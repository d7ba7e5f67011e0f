//! Prices in the format of the Universal Data Feed (UDF), which charting libraries ask for by themselves.
//!
//! A fault of the client is an answer with `"s": "error"` and status 200, because the clients of this format read `s` and
//! few of them a status. Without a token, and while a database cannot be reached, the answer is a problem as everywhere.

mod history;
pub mod http;
mod query;
mod symbols;
