//! All tests.

mod adding_a_resource;
mod behavior;
mod contract;
mod demo;
mod documentation;
mod federation;
mod http_errors;
mod http_lists;
mod migrations;
mod moves;
mod mssql;
mod openapi;
mod pairs;
mod postgres;
mod prices;
mod prices_failures;
mod protocol;
mod schema;
mod statements;
mod support;
mod tds;
