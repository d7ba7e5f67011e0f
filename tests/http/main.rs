//! The service through a real socket: every route, every error, every list compared with an oracle.

mod accept;
mod archive_control;
mod archive_status;
mod behavior;
mod browsers;
mod charts;
mod cold_cache;
mod console;
mod contract;
mod conversations;
mod equal_reads;
mod federation;
mod http_errors;
mod http_lists;
mod live;
mod mcp;
mod openapi;
mod pairs;
mod polling;
mod prices;
mod prices_failures;
mod shared;
mod shield;
mod token_rights;
mod users;

use thermocline_testing as support;
