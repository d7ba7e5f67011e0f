//! All tests.

mod behavior;
mod contract;
mod demo;
mod http_lists;
mod http_refusals;
mod layers;
mod moving;
mod mssql;
mod openapi;
mod oracle;
mod pairs;
mod postgres;
mod prices;
mod prices_failing;
mod schema;
mod support;
mod tds;
