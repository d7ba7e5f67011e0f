//! All tests.

mod contract;
mod demo;
mod http_lists;
mod http_refusals;
mod layers;
mod migrations;
mod moving;
mod mssql;
mod openapi;
mod oracle;
mod postgres;
mod prices;
mod prices_failing;
mod support;
