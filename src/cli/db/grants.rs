//! `thermocline db grants`

use clap::ValueEnum;
use serde::Serialize;
use thermocline_core::journal_tables::{LIVE_ERASED, LIVE_MOVED, LIVE_STATE};

use super::target::TierChoice;
use crate::cli::failure::Failure;
use crate::cli::output::print_json;
use crate::schema;
use crate::tier::Tier;

/// Print the SQL that gives a role no more rights than it needs, for SQL Server and for PostgreSQL
///
/// A reader serves requests. A mover also imports, archives, restores and erases. A migrator changes the schema and recovers.
/// An adopter takes over a platform's databases, once, and becomes the owner of its archive's tables.
/// Each becomes a role of the database; add the users of the program to it. No database is asked. Print and run it again
/// after an upgrade that adds tables.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  thermocline db grants --role reader
  thermocline db grants --role mover --tier cold | psql \"$COLD_DATABASE_URL\"
  thermocline db grants --role mover --tier hot --engine postgres | psql \"$HOT_DATABASE_URL\"")]
pub struct Args {
    /// The role
    #[arg(long, value_enum)]
    role: Role,
    /// The tier
    #[arg(long, value_enum, default_value = "both")]
    tier: TierChoice,
    /// The engine of the hot tier
    #[arg(long, value_enum, default_value = "mssql")]
    engine: HotServer,
}

/// A server that can be the hot tier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum HotServer {
    /// SQL Server
    Mssql,
    /// PostgreSQL
    Postgres,
}

/// A purpose for which a user of a database needs rights.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Serves requests
    Reader,
    /// Imports, archives, restores and erases
    Mover,
    /// Changes the schema, and recovers
    Migrator,
    /// Adopts the databases of a platform
    Adopter,
}

impl Role {
    /// Returns the name of its role in a database.
    const fn name(self) -> &'static str {
        match self {
            Self::Reader => "thermocline_reader",
            Self::Mover => "thermocline_mover",
            Self::Migrator => "thermocline_migrator",
            Self::Adopter => "thermocline_adopter",
        }
    }
}

#[derive(Debug, Serialize)]
struct Grants {
    tier: &'static str,
    engine: &'static str,
    role: &'static str,
    statements: Vec<Grant>,
}

/// A statement, and why the role needs it.
#[derive(Debug, Serialize)]
struct Grant {
    purpose: &'static str,
    sql: String,
}

/// Why the rows of `archive_control` are written: by commands, and by admins through a server.
const STEERS: &str = "Pauses and paces movers.";

/// The version table, which every start reads.
const LEDGER: &str = "_sqlx_migrations";

/// Runs the command.
pub fn run(args: &Args, json: bool) -> Result<(), Failure> {
    let mut all = Vec::new();
    if args.tier != TierChoice::Cold {
        all.push(match args.engine {
            HotServer::Mssql => on_mssql(args.role),
            HotServer::Postgres => on_postgres(Tier::Hot, args.role),
        });
    }
    if args.tier != TierChoice::Hot {
        all.push(on_postgres(Tier::Cold, args.role));
    }
    if json {
        return print_json(&all);
    }
    for Grants { tier, engine, statements, .. } in &all {
        outln!("-- {tier}, {engine}");
        for Grant { purpose, sql } in statements {
            outln!("-- {purpose}\n{sql};");
        }
        outln!("");
    }
    Ok(())
}

struct Statements(Vec<Grant>);

impl Statements {
    fn add(&mut self, purpose: &'static str, sql: impl Into<String>) {
        self.0.push(Grant { purpose, sql: sql.into() });
    }
}

fn on_mssql(role: Role) -> Grants {
    let name = role.name();
    let mut grants = Statements(Vec::new());
    grants.add(
        "Makes the role; its members are added with ALTER ROLE … ADD MEMBER ….",
        format!("IF DATABASE_PRINCIPAL_ID(N'{name}') IS NULL CREATE ROLE {name}"),
    );
    let on = |grants: &mut Statements, purpose, rights: &str, tables: &[&str]| {
        for table in tables {
            grants.add(purpose, format!("GRANT {rights} ON {table} TO {name}"));
        }
    };
    let tables = || schema::of(Tier::Hot).tables.iter();
    let all: Vec<&str> = tables().map(|table| table.name).chain([LEDGER]).collect();
    match role {
        Role::Reader => {
            on(&mut grants, "Reads.", "SELECT", &all);
            on_feed(&mut grants, "SELECT", name);
            on(&mut grants, STEERS, "INSERT, UPDATE", &["archive_control"]);
        }
        Role::Mover => {
            on(&mut grants, "Reads.", "SELECT", &all);
            on_feed(&mut grants, "SELECT, INSERT, UPDATE, DELETE", name);
            let (moved, others) = moved_and_others();
            on(&mut grants, "Moves rows out and back.", "INSERT, UPDATE, DELETE", &moved);
            on(&mut grants, "Makes the rows that imported ones refer to.", "INSERT, UPDATE", &others);
            on(&mut grants, "Sets IDENTITY_INSERT, so that rows keep their ids.", "ALTER", &numbered());
            on(&mut grants, "Raises the epoch.", "UPDATE", &["archive_state"]);
            on(&mut grants, STEERS, "INSERT, UPDATE", &["archive_control"]);
            let notes = ["archive_rejects", "archive_erasures"];
            on(&mut grants, "Notes rejected and erased rows.", "INSERT, UPDATE, DELETE", &notes);
        }
        Role::Migrator | Role::Adopter => {
            grants.add(
                "Creates and changes tables, and reseeds ids.",
                format!("ALTER ROLE db_ddladmin ADD MEMBER {name}"),
            );
            grants.add(
                "Fills in and moves rows.",
                format!("GRANT SELECT, INSERT, UPDATE, DELETE, REFERENCES ON SCHEMA::dbo TO {name}"),
            );
            grants.add(
                "Allows readers snapshots. An administrator runs it once, which the role then need not.",
                "ALTER DATABASE CURRENT SET ALLOW_SNAPSHOT_ISOLATION ON",
            );
        }
    }
    Grants { tier: "hot", engine: "mssql", role: name, statements: grants.0 }
}

/// Returns the platform's tables whose rows move, and the others.
fn moved_and_others() -> (Vec<&'static str>, Vec<&'static str>) {
    let names = |moves: bool| {
        let tables = schema::hot::PLATFORM.iter().filter(|table| table.archived.is_some() == moves);
        tables.map(|table| table.name).collect()
    };
    (names(true), names(false))
}

/// Returns the platform's tables that number their rows.
fn numbered() -> Vec<&'static str> {
    let tables = schema::hot::PLATFORM.iter();
    tables
        .filter(|table| table.columns.iter().any(|column| column.identity))
        .map(|table| table.name)
        .collect()
}

/// Adds rights on the tables of the change feed, which not every database has.
fn on_feed(grants: &mut Statements, rights: &str, name: &str) {
    for table in [&LIVE_STATE, &LIVE_MOVED, &LIVE_ERASED].map(|table| table.name) {
        let there = format!("IF OBJECT_ID(N'{table}', N'U') IS NOT NULL");
        grants.add(
            "Uses the change feed, if there is one.",
            format!("{there} GRANT {rights} ON {table} TO {name}"),
        );
    }
}

fn on_postgres(tier: Tier, role: Role) -> Grants {
    let name = role.name();
    let mut grants = Statements(Vec::new());
    grants.add(
        "Makes the role; its members are added with GRANT … TO ….",
        format!(
            "DO $$ BEGIN IF NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = '{name}') THEN CREATE ROLE {name} NOLOGIN; END IF; END $$"
        ),
    );
    let changes_tables = matches!(role, Role::Migrator | Role::Adopter);
    let schema_rights = if changes_tables { "USAGE, CREATE" } else { "USAGE" };
    grants.add(
        "Finds the tables.",
        format!("DO $$ BEGIN EXECUTE format('GRANT {schema_rights} ON SCHEMA %I TO {name}', current_schema()); END $$"),
    );
    let tables = schema::of(tier).tables.iter().map(|table| table.name);
    let all = tables.clone().collect::<Vec<_>>().join(", ");
    let named = tables.chain([LEDGER]).map(|table| format!("'{table}'")).collect::<Vec<_>>().join(", ");
    if !changes_tables {
        grants.add("Reads.", format!("GRANT SELECT ON {all}, {LEDGER} TO {name}"));
    }
    match tier {
        Tier::Hot => in_hot(&mut grants, role, &named),
        Tier::Cold => in_cold(&mut grants, role, (&all, &named)),
    }
    Grants { tier: tier.name(), engine: "postgres", role: name, statements: grants.0 }
}

/// Adds the rights of a role in a cold PostgreSQL, besides reading. `all` lists its tables, `named` the same as texts.
fn in_cold(grants: &mut Statements, role: Role, (all, named): (&str, &str)) {
    let name = role.name();
    match role {
        Role::Reader => {}
        Role::Mover => grants.add(
            "Writes versions, counts and the journal.",
            format!("GRANT INSERT, UPDATE, DELETE ON {all} TO {name}"),
        ),
        Role::Migrator => {
            grants.add("Compares migrations in a schema that is rolled back.", create_schemas(name));
            grants.add("Changes the tables that are there already: only their owner may.", own(name, named));
        }
        Role::Adopter => {
            grants.add(
                "Makes a schema for the tables of the platform's archive, and compares migrations in one.",
                create_schemas(name),
            );
            grants.add(
                "Moves the tables of the platform's archive there and back, and drops them in the end: only their owner may. \
                 The owner so far keeps all other rights.",
                own(name, named),
            );
        }
    }
}

/// Adds the rights of a role in a hot PostgreSQL, besides reading. `named` lists its tables as texts.
fn in_hot(grants: &mut Statements, role: Role, named: &str) {
    let name = role.name();
    let feed = [&LIVE_STATE, &LIVE_MOVED, &LIVE_ERASED].map(|table| table.name).join(", ");
    let feed = |rights: &str| {
        format!(
            "DO $$ BEGIN IF to_regclass('{}') IS NOT NULL THEN GRANT {rights} ON {feed} TO {name}; END IF; END $$",
            LIVE_STATE.name
        )
    };
    match role {
        Role::Reader => {
            grants.add("Uses the change feed, if there is one.", feed("SELECT"));
            grants.add(STEERS, format!("GRANT INSERT, UPDATE ON archive_control TO {name}"));
        }
        Role::Mover => {
            let (moved, others) = moved_and_others();
            grants.add(
                "Moves rows out and back.",
                format!("GRANT INSERT, UPDATE, DELETE ON {} TO {name}", moved.join(", ")),
            );
            grants.add(
                "Makes the rows that imported ones refer to.",
                format!("GRANT INSERT, UPDATE ON {} TO {name}", others.join(", ")),
            );
            grants.add("Keeps ids from being given out twice.", use_sequences(name));
            grants.add("Raises the epoch.", format!("GRANT UPDATE ON archive_state TO {name}"));
            grants.add(STEERS, format!("GRANT INSERT, UPDATE ON archive_control TO {name}"));
            grants.add(
                "Notes rejected and erased rows.",
                format!("GRANT INSERT, UPDATE, DELETE ON archive_rejects, archive_erasures TO {name}"),
            );
            grants.add("Uses the change feed, if there is one.", feed("SELECT, INSERT, UPDATE, DELETE"));
        }
        Role::Migrator | Role::Adopter => {
            grants.add(
                "Changes the tables that are there already, as a member of their owner.",
                join_owner(name, named),
            );
        }
    }
}

/// Gives a role the sequences that number the rows of the platform's tables.
fn use_sequences(role: &str) -> String {
    let tables = numbered().into_iter().map(|table| format!("'{table}'")).collect::<Vec<_>>().join(", ");
    format!(
        "DO $$ DECLARE s regclass; BEGIN FOR s IN SELECT DISTINCT q.oid::regclass FROM pg_class t \
         JOIN pg_attribute a ON a.attrelid = t.oid AND a.attname = 'id' \
         LEFT JOIN pg_attrdef f ON f.adrelid = t.oid AND f.adnum = a.attnum \
         JOIN pg_depend d ON (d.classid = 'pg_class'::regclass AND d.refobjid = t.oid AND d.refobjsubid = a.attnum \
         AND d.deptype IN ('a', 'i')) OR (d.classid = 'pg_attrdef'::regclass AND d.objid = f.oid) \
         JOIN pg_class q ON q.relkind = 'S' AND q.oid IN (d.objid, d.refobjid) \
         WHERE t.relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = current_schema()) AND t.relname IN ({tables}) \
         LOOP EXECUTE format('GRANT USAGE, SELECT, UPDATE ON SEQUENCE %s TO {role}', s); END LOOP; END $$"
    )
}

/// Makes a role a member of the owners of those of some tables that are there.
fn join_owner(role: &str, tables: &str) -> String {
    format!(
        "DO $$ DECLARE o name; BEGIN FOR o IN SELECT DISTINCT pg_get_userbyid(c.relowner) FROM pg_class c \
         WHERE c.relkind IN ('r', 'p') AND c.relname IN ({tables}) AND pg_get_userbyid(c.relowner) <> '{role}' \
         AND c.relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = current_schema()) \
         LOOP EXECUTE format('GRANT %I TO {role}', o); END LOOP; END $$"
    )
}

fn create_schemas(role: &str) -> String {
    format!("DO $$ BEGIN EXECUTE format('GRANT CREATE ON DATABASE %I TO {role}', current_database()); END $$")
}

/// Makes a role the owner of those of some tables that are there. Their owner keeps every right that can be given.
fn own(role: &str, tables: &str) -> String {
    format!(
        "DO $$ DECLARE t record; s regclass; BEGIN FOR t IN SELECT c.oid::regclass AS name, pg_get_userbyid(c.relowner) AS owner \
         FROM pg_class c WHERE c.relkind IN ('r', 'p') AND pg_table_is_visible(c.oid) AND c.relname IN ({tables}) \
         AND pg_get_userbyid(c.relowner) <> '{role}' \
         LOOP EXECUTE format('ALTER TABLE %s OWNER TO {role}', t.name); \
         EXECUTE format('GRANT ALL ON %s TO %I', t.name, t.owner); \
         FOR s IN SELECT c.oid::regclass FROM pg_depend d JOIN pg_class c ON c.oid = d.objid AND c.relkind = 'S' \
         WHERE d.classid = 'pg_class'::regclass AND d.refobjid = t.name AND d.deptype IN ('a', 'i') \
         LOOP EXECUTE format('GRANT ALL ON SEQUENCE %s TO %I', s, t.owner); END LOOP; END LOOP; END $$"
    )
}
