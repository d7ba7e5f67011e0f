//! The Model Context Protocol at `POST /mcp`: the same lists, for language models.
//!
//! Streamable HTTP without sessions: every request carries its token and is answered by itself, so any server of several can
//! take it. The tools call the functions behind the routes, with the arguments as their parameters: the same rows, rights and
//! errors.
//!
//! `http` admits a request, `server` speaks the protocol, `tools` declares the tools, `arguments` and `schema`
//! are their input and output.

mod arguments;
pub mod http;
mod schema;
mod server;
mod tools;
