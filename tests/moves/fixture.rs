//! A pair of any engines, the program that moves its rows, and the rows it must show.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use thermocline::archive::BlockSizes;
use thermocline::archive::verify::Verifier;
use thermocline::clock::{Clock, DAY};
use thermocline::journal::pair;
use thermocline::resources;
use thermocline::schema;
use thermocline::tier::{Mssql, Postgres, PostgresUrl, Schema, Sqlite, Tier, migrate};

use super::audit::audit_family;
use super::fault_injection::{check, now};
use super::logical_table::{self, Table};
use super::program::{Ended, Program};
use super::{COLD, HOT, Pair, run};
use crate::support::hot_engines::Server;
use crate::support::postgres::{self, Database};
use crate::support::waiting::output;

/// A pair in files or on servers, the program configured for it, and all its rows.
pub struct Fixture {
    pub name: &'static str,
    pub program: Program,
    pub rows: Table,
    /// The database of hot in a SQL Server.
    server: Option<Server>,
    /// The database of hot in PostgreSQL, which exists as long as this.
    hot_database: Option<Database>,
    /// The database of cold, unless it is a file.
    pub database: Option<Database>,
}

impl Fixture {
    /// Creates a pair with the sample in hot. Tiers without a server are files in the program's folder.
    fn begin(
        name: &'static str,
        mut program: Program,
        server: Option<Server>,
        database: Option<Database>,
    ) -> Self {
        if let Some(server) = &server {
            program.hot = server.url();
        }
        if let Some(database) = &database {
            program.cold = database.to_string();
        }
        let rows = Table::sample(now());
        let fixture = Self { name, program, rows, server, hot_database: None, database };
        run(async {
            let pair = fixture.open().await;
            for tier in [&pair.hot, &pair.cold] {
                migrate::upgrade(&**tier).await.expect("a schema");
            }
            if fixture.database.is_some() {
                postgres::lay_out(&*pair.cold).await;
            }
            pair::ensure(&*pair.hot, &*pair.cold, &pair.clock).await.expect("a pair");
            logical_table::fill(&pair, &fixture.rows).await;
            pair.close().await;
        });
        fixture
    }

    pub fn embedded() -> Self {
        Self::begin("SQLite and SQLite", Program::new(), None, None)
    }

    pub fn mixed() -> Option<Self> {
        let database = run(postgres::database())?;
        Some(Self::begin("SQLite and PostgreSQL", Program::new(), None, Some(database)))
    }

    /// Creates a pair in PostgreSQL, hot and cold in two databases of one server.
    pub fn on_postgres() -> Option<Self> {
        let (hot, cold) = (run(postgres::database())?, run(postgres::database())?);
        let mut program = Program::new();
        program.hot = hot.to_string();
        let fixture = Self::begin("PostgreSQL and PostgreSQL", program, None, Some(cold));
        Some(Self { hot_database: Some(hot), ..fixture })
    }

    pub fn real() -> Option<Self> {
        let server = run(Server::make())?;
        let Some(database) = run(postgres::database()) else {
            run(server.drop());
            return None;
        };
        Some(Self::begin("SQL Server and PostgreSQL", Program::new(), Some(server), Some(database)))
    }

    /// Creates a pair whose cold tier is on a server of its own.
    pub fn beside(cold: Database) -> Self {
        Self::begin("SQLite and a PostgreSQL of its own", Program::new(), None, Some(cold))
    }

    /// Creates a pair of files, one of them in another folder.
    pub fn in_folder(tier: Tier, folder: &Path) -> Self {
        let mut program = Program::new();
        let (url, name) = if tier == Tier::Hot { (&mut program.hot, HOT) } else { (&mut program.cold, COLD) };
        *url = format!("sqlite:{}", folder.join(name).display());
        Self::begin("SQLite and SQLite on two disks", program, None, None)
    }

    pub fn hot_is_file(&self) -> bool {
        self.server.is_none() && self.hot_database.is_none()
    }

    /// Returns the address of hot as `host:port`.
    pub fn hot_place(&self) -> String {
        let at = &self.server.as_ref().expect("a server").at;
        format!("{}:{}", at.host, at.port)
    }

    /// Opens both tiers.
    pub async fn open(&self) -> Pair {
        let file = async |tier, url: &str| {
            let path = self.program.path().join(url.trim_start_matches("sqlite:"));
            Arc::new(Sqlite::open(thermocline::schema::of(tier), &path).await.expect("a file"))
        };
        let hot: Arc<dyn Schema> = match &self.server {
            Some(server) => {
                Arc::new(Mssql::open(thermocline::schema::of(Tier::Hot), &server.at).await.expect("opens"))
            }
            None if PostgresUrl::recognises(&self.program.hot) => {
                let url = PostgresUrl::parse(&self.program.hot).expect("a URL");
                Arc::new(Postgres::open(thermocline::schema::of(Tier::Hot), &url, None).await.expect("opens"))
            }
            None => file(Tier::Hot, &self.program.hot).await,
        };
        let cold: Arc<dyn Schema> = match &self.database {
            Some(url) => {
                let url = PostgresUrl::parse(url).expect("a URL");
                Arc::new(
                    Postgres::open(thermocline::schema::of(Tier::Cold), &url, None).await.expect("opens"),
                )
            }
            None => file(Tier::Cold, &self.program.cold).await,
        };
        Pair { hot, cold, clock: Clock::fixed(now()) }
    }

    /// Returns a command of the program.
    pub fn command(&self, args: &str) -> Command {
        self.program.command(&args.split(' ').collect::<Vec<_>>())
    }

    /// Runs a command, which must succeed.
    pub fn done(&self, args: &str) -> Ended {
        let ended = Ended::of(output(&mut self.command(args)));
        assert_eq!(ended.status, Some(0), "{}, {args}: {ended:?}", self.name);
        ended
    }

    /// Checks every list of a resource.
    pub async fn check(&self, resource: &str) {
        let pair = self.open().await;
        check(&pair, &self.rows, resource, self.name).await;
        pair.close().await;
    }

    /// Checks every list and every table of a resource, and that `verify` finds nothing. No move may be unfinished.
    pub async fn check_whole(&self, resource: &str) {
        let pair = self.open().await;
        check(&pair, &self.rows, resource, self.name).await;
        let family = resources::families().into_iter().find(|family| family.resource == resource);
        let family = family.expect("a family");
        audit_family(&pair, family, BlockSizes::default()).await;
        let verifier = Verifier { hot: &*pair.hot, cold: &*pair.cold, family };
        let report = verifier.run(None, &mut |_| {}).await.expect("a report");
        assert_eq!(report.found, [], "{}: {}", self.name, family.resource);
        pair.close().await;
    }

    /// Writes rows into hot that are older than the archived ones: a message, a post with children, or an older price
    /// and a correction. Each `nth` gives other rows.
    pub async fn write_late(&mut self, resource: &str, nth: i64) {
        let (id, at) = (10_000 + nth, now().plus(-35 * DAY + nth));
        let pair = self.open().await;
        match resource {
            "messages" => {
                let message = logical_table::message(id, 1, at);
                pair.put(&schema::MESSAGES, logical_table::message_row(&message)).await;
                self.rows.messages.push(message);
            }
            "posts" => {
                let post = logical_table::post(id, 1, at);
                pair.put(&schema::POSTS, logical_table::post_row(&post)).await;
                self.rows.posts.push(post);
                let comment = logical_table::comment(id, id, at);
                pair.put(&schema::COMMENTS, logical_table::comment_row(&comment)).await;
                self.rows.comments.push(comment);
                pair.put(&schema::LIKES, vec![2.into(), id.into()]).await;
                self.rows.likes.push((2, id));
            }
            _ => {
                let days: Vec<_> = self.rows.prices.keys().filter(|(stock, _)| *stock == 1).collect();
                // Corrects the newest prices again and again.
                let corrected = *days[days.len() - 1 - nth as usize % 5];
                let older = (2, now().plus((-100 - nth) * DAY).date());
                for ((stock, day), id, kind) in [(corrected, 3_000_000 + nth, 3), (older, 4_000_000 + nth, 2)]
                {
                    let price = logical_table::price(day, kind);
                    let mut row = logical_table::price_row(stock, &price);
                    row[0] = id.into();
                    pair.put(&schema::PRICES, row).await;
                    self.rows.prices.insert((stock, day), price);
                }
            }
        }
        pair.close().await;
    }

    /// Drops the databases on servers.
    pub fn end(self) {
        if let Some(server) = self.server {
            run(server.drop());
        }
    }
}
