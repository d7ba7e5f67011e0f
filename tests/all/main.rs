//! All tests.

mod behavior;
mod contract;
mod demo;
mod documentation;
mod http_lists;
mod http_refusals;
mod migrations;
mod moving;
mod mssql;
mod openapi;
mod oracle;
mod pairs;
mod postgres;
mod prices;
mod prices_failing;
mod protocol;
mod schema;
mod support;
mod tds;
