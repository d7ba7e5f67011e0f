//! Imports and moves beside the same work by hand: a bulk insert of the driver, and batches that leave hot by `DELETE … RETURNING`
//! and enter cold by a bulk insert, without a protocol, counts or a check of what arrived.
//!
//! ```console
//! $ cargo bench --bench moves
//! $ THERMOCLINE_BENCH_POSTGRES='postgres://…' cargo bench --bench moves
//! ```
//!
//! Each round fills two pairs of new databases with the same messages of the demo, one through the program and one by hand: pairs of
//! SQLite files, then of databases of one PostgreSQL server. Without the variable that server is a private one, which
//! writes nothing durably. `THERMOCLINE_BENCH_MESSAGES` is the number of messages (200,000 by default). Only the ratios mean anything on
//! another machine.

mod by_hand;
mod pair;

use std::error::Error;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use thermocline::clock::Clock;
use thermocline::demo::{DemoPlan, RECENT_DAYS};
use thermocline_testing::bench::quantile;
use thermocline_testing::postgres::Cluster;

use self::by_hand::ByHand;
use self::pair::{Pair, Server};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Rounds of each pair, in turn with those by hand.
const ROUNDS: usize = 3;

/// The files that are imported.
struct Files {
    folder: PathBuf,
    users: PathBuf,
    conversations: PathBuf,
    messages: PathBuf,
}

/// The times of one step, and its number of rows.
#[derive(Default)]
struct Step {
    rows: u64,
    ours: Vec<Duration>,
    by_hand: Vec<Duration>,
}

#[tokio::main]
async fn main() -> Result<()> {
    // `cargo test --benches` only asks whether it builds.
    if std::env::args().any(|argument| argument == "--test") {
        return Ok(());
    }
    let messages =
        std::env::var("THERMOCLINE_BENCH_MESSAGES").map_or(Ok(200_000), |number| number.parse())?;
    let plan = DemoPlan { messages, ..DemoPlan::new(1, Clock::system().now()) };
    let folder = tempfile::tempdir()?;
    let files = Files::write(folder.path(), plan)?;
    println!("| pair | step | rows/s | by hand | ratio |\n|---|---|---|---|---|");
    measure("SQLite files", &Server::Files(folder.path()), &files, plan).await?;
    let url = match std::env::var("THERMOCLINE_BENCH_POSTGRES") {
        Ok(url) => url,
        // It runs until this process ends.
        Err(_) => Cluster::start()?.url(),
    };
    measure("PostgreSQL", &Server::Postgres(&url), &files, plan).await
}

async fn measure(name: &str, server: &Server<'_>, files: &Files, plan: DemoPlan) -> Result<()> {
    let (mut import, mut moved) = (Step::default(), Step::default());
    for _ in 0..ROUNDS {
        let ours = Pair::new(server, files).await?;
        let begun = Instant::now();
        ours.program(&["import", "messages"], &[&files.messages])?;
        import.ours.push(begun.elapsed());
        let begun = Instant::now();
        ours.program(&["archive", "run", "--resource", "messages"], &[])?;
        moved.ours.push(begun.elapsed());
        let (left, archived) = ours.counts().await?;
        ours.remove().await?;

        let other = Pair::new(server, files).await?;
        let mut by_hand = ByHand::connect(&other).await?;
        let begun = Instant::now();
        by_hand.import(&files.messages, plan).await?;
        import.by_hand.push(begun.elapsed());
        let begun = Instant::now();
        by_hand.archive(plan.now.plus(-RECENT_DAYS * thermocline::clock::DAY)).await?;
        moved.by_hand.push(begun.elapsed());
        by_hand.close().await?;
        let by_hand = other.counts().await?;
        // Meanwhile some more rows may have become due.
        if by_hand.0 + by_hand.1 != left + archived || by_hand.1.abs_diff(archived) > 10 {
            return Err(format!("{by_hand:?} rows by hand, {:?} by the program", (left, archived)).into());
        }
        other.remove().await?;
        (import.rows, moved.rows) = (left + archived, archived);
    }
    import.report(name, "import");
    moved.report(name, "move");
    Ok(())
}

impl Step {
    fn report(mut self, pair: &str, step: &str) {
        let rows = self.rows as f64;
        let [ours, by_hand] = [&mut self.ours, &mut self.by_hand].map(|times| {
            times.sort_unstable();
            rows / quantile(times, 0.5).as_secs_f64()
        });
        println!("| {pair} | {step} | {ours:.0} | {by_hand:.0} | {:.2} |", ours / by_hand);
    }
}

impl Files {
    fn write(folder: &Path, plan: DemoPlan) -> Result<Self> {
        let mut users = "id,username,email\n".to_owned();
        for row in plan.users() {
            writeln!(users, "{},{},{}", row.id, quoted(&row.username), row.email)?;
        }
        let mut conversations = "id,user1_id,user2_id,created_at,updated_at\n".to_owned();
        for row in plan.conversations() {
            let other = row.user2_id.map_or_else(String::new, |id| id.to_string());
            writeln!(
                conversations,
                "{},{},{other},{},{}",
                row.id, row.user1_id, row.created_at, row.updated_at
            )?;
        }
        let mut messages = "id,conversation_id,sender_id,content,created_at,is_read\n".to_owned();
        for row in plan.messages() {
            let (content, at) = (quoted(&row.content), row.created_at);
            writeln!(
                messages,
                "{},{},{},{content},{at},{}",
                row.id, row.conversation_id, row.sender_id, row.is_read
            )?;
        }
        let file = |name: &str, text: &str| -> Result<PathBuf> {
            let path = folder.join(name);
            std::fs::write(&path, text)?;
            Ok(path)
        };
        Ok(Self {
            folder: folder.to_owned(),
            users: file("users.csv", &users)?,
            conversations: file("conversations.csv", &conversations)?,
            messages: file("messages.csv", &messages)?,
        })
    }
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('"', "\"\""))
}

/// Runs the program over a pair.
fn program(hot: &str, cold: &str, folder: &Path, arguments: &[&str], files: &[&Path]) -> Result<()> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_thermocline"));
    command.args(arguments).args(files).current_dir(folder);
    command.env("HOT_DATABASE_URL", hot).env("COLD_DATABASE_URL", cold).env("RUST_LOG", "error");
    // The program knows no such settings.
    for name in ["POSTGRES", "MESSAGES"] {
        command.env_remove(format!("THERMOCLINE_BENCH_{name}"));
    }
    let output = command.output()?;
    if output.status.success() {
        return Ok(());
    }
    Err(format!("{arguments:?}: {}", String::from_utf8_lossy(&output.stderr)).into())
}
