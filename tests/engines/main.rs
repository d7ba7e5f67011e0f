//! Every engine: connections, types, statements, migrations and the comparison of schemas.

mod adding_a_resource;
mod grants;
mod hot_postgres;
mod hung_up;
mod migrations;
mod mssql;
mod postgres;
mod schema;
mod statements;
mod tds;

use thermocline_testing as support;
