//! `thermocline demo`

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use super::failure::Failure;
use super::output::print_json;
use super::serve::{self, address, listen, until_stopped};
use super::tiers::Tiers;
use super::{archive, args, token};
use crate::archive::{ArchiveOptions, BlockSizes, Mover};
use crate::clock::{Clock, Timestamp};
use crate::config::{JwtKey, Settings};
use crate::demo;
use crate::load::demo::fill;
use crate::resources::registry;
use crate::server;
use crate::tier::TierLocation;
use crate::web::auth::ClaimSettings;
use crate::web::cors::AllowedOrigins;

/// The file that is written last: a folder with it holds a complete demo.
const MARKER: &str = "demo.json";
/// The validity of the printed token, in seconds.
const TOKEN_TTL: i64 = 7 * 86_400;

/// Generate data in two embedded tiers, archive old rows, serve the API, and print requests to try
///
/// The data are three years of prices of twenty stocks, conversations in English and Chinese, and posts with comments and
/// likes. The folder is kept: the next demo serves it again.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  thermocline demo --messages 1000000 --dir big-demo --fresh")]
pub struct Args {
    /// The folder for the two databases
    #[arg(long, default_value = "thermocline-demo", value_name = "FOLDER")]
    dir: PathBuf,
    /// The address to listen on; port 0 selects a free port
    #[arg(long, default_value = "127.0.0.1:8080", value_name = "HOST:PORT")]
    addr: String,
    /// The number of messages
    #[arg(long, default_value_t = 120_000, value_parser = clap::value_parser!(u64).range(1_000..=10_000_000))]
    messages: u64,
    /// The seed of the data
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Replace a demo in the folder
    #[arg(long)]
    fresh: bool,
}

/// The contents of the marker file.
#[derive(Debug, Serialize, Deserialize)]
struct Marker {
    seed: u64,
    messages: u64,
    now: Timestamp,
    secret: String,
}

/// The requests to try, as JSON.
#[derive(Debug, Serialize)]
struct DemoReport {
    url: String,
    /// The console, signed in.
    console: String,
    token: String,
    user: i64,
    conversation: i64,
    boundary: Timestamp,
    commands: Vec<Command>,
}

#[derive(Debug, Serialize)]
struct Command {
    what: &'static str,
    command: String,
}

/// Runs the command.
pub async fn run(args: Args, settings: &Settings, json: bool) -> Result<(), Failure> {
    let clock = Clock::system();
    // First, so that no data are generated that could not be served.
    let listener = listen("--addr", &args.addr).await?;
    let (marker, complete) = prepare(&args, &clock)?;
    let settings = Settings {
        hot: TierLocation::Sqlite(args.dir.join("hot.sqlite3")),
        cold: Some(TierLocation::Sqlite(args.dir.join("cold.sqlite3"))),
        jwt_key: Some(JwtKey::Secret(SecretString::from(marker.secret.clone()))),
        jwt_issuer: None,
        jwt_audience: None,
        jwt_claims: ClaimSettings::default(),
        addr: args.addr.clone(),
        allowed_origins: AllowedOrigins::Any,
        ..settings.clone()
    };
    let tiers = Tiers::open(&settings, &clock).await?;
    let plan =
        demo::DemoPlan { messages: marker.messages as usize, ..demo::DemoPlan::new(marker.seed, marker.now) };
    if !complete {
        let bar = args::bar("generating", 0, false);
        let mut progress = |table, rows| {
            bar.set_prefix(table);
            bar.inc(rows);
        };
        fill(&*tiers.hot, plan, &mut progress).await.map_err(Failure::of)?;
        bar.finish_and_clear();
    }
    archive_old_rows(&tiers, &clock, json).await?;
    if !complete {
        write_marker(&args.dir, &marker)?;
    }
    let verifier = token::verifier(&settings, &clock)?;
    let facts = plan.facts();
    let token = verifier.issue(facts.user, None, TOKEN_TTL).map_err(Failure::of)?;
    // The console shows the tiers too. A fragment is never sent, so that no log holds the token.
    let of_console = verifier.issue(facts.user, Some("admin"), TOKEN_TTL).map_err(Failure::of)?;
    let url = format!("http://{}{}", address(&listener), settings.base_path.as_str());
    let console = format!("{url}/console/#token={of_console}");
    let commands = commands(&facts, plan.boundary());
    if json {
        let (user, conversation) = (facts.user, facts.conversation);
        print_json(&DemoReport {
            url,
            console,
            token,
            user,
            conversation,
            boundary: plan.boundary(),
            commands,
        })?;
    } else {
        print(&url, &console, &token, &commands);
    }
    let app = serve::app(&settings, &tiers, verifier, clock);
    let stopping = until_stopped(listener, app, &settings, server::stop_signal_once()).await;
    // A statement that goes on is safe to interrupt.
    let _ = tokio::time::timeout_at(stopping, tiers.close()).await;
    Ok(())
}

/// Returns the marker of the folder and whether the demo is complete. An incomplete one is deleted.
fn prepare(args: &Args, clock: &Clock) -> Result<(Marker, bool), Failure> {
    let failed = |error: std::io::Error| Failure::Failed(format!("{}: {error}", args.dir.display()));
    std::fs::create_dir_all(&args.dir).map_err(failed)?;
    let old = std::fs::read(args.dir.join(MARKER)).ok();
    let old: Option<Marker> = old.and_then(|text| serde_json::from_slice(&text).ok());
    if let Some(marker) = old
        && !args.fresh
    {
        if (marker.seed, marker.messages) != (args.seed, args.messages) {
            let text = format!("{} holds another demo; --fresh replaces it", args.dir.display());
            return Err(Failure::Usage(text));
        }
        return Ok((marker, true));
    }
    for name in ["hot.sqlite3", "cold.sqlite3"] {
        for suffix in ["", "-wal", "-shm"] {
            match std::fs::remove_file(args.dir.join(format!("{name}{suffix}"))) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(failed(error)),
                _ => {}
            }
        }
    }
    let secret: Vec<String> = (0..4).map(|_| format!("{:016x}", clock.draw())).collect();
    let secret = secret.concat();
    Ok((Marker { seed: args.seed, messages: args.messages, now: clock.now(), secret }, false))
}

fn write_marker(dir: &Path, marker: &Marker) -> Result<(), Failure> {
    let text = serde_json::to_vec_pretty(marker).map_err(Failure::of)?;
    std::fs::write(dir.join(MARKER), text)
        .map_err(|error| Failure::Failed(format!("{}: {error}", dir.display())))
}

async fn archive_old_rows(tiers: &Tiers, clock: &Clock, quiet: bool) -> Result<(), Failure> {
    let mover = Mover {
        hot: &*tiers.hot,
        cold: tiers.need_cold()?,
        clock,
        name: "demo".to_owned(),
        sizes: BlockSizes::default(),
    };
    let stop = Arc::new(AtomicBool::new(false));
    for family in registry::families() {
        let report = archive::run::one(&mover, family, &ArchiveOptions::default(), &stop, quiet).await;
        if report.error.is_some() {
            return Err(Failure::Reported);
        }
    }
    Ok(())
}

fn commands(facts: &demo::Facts, boundary: Timestamp) -> Vec<Command> {
    let demo::Facts { conversation, word, post, symbol, .. } = *facts;
    let messages = format!("$URL/api/conversations/{conversation}/messages");
    let get = |what, url: String| Command { what, command: format!("curl -s -H \"$AUTH\" \"{url}\"") };
    let day = boundary.date();
    vec![
        get("the first page", messages.clone()),
        get("a page a thousand pages deep", format!("{messages}?page=1000")),
        get(
            "six messages around the boundary between the tiers",
            format!("{messages}?at={boundary}&limit=6"),
        ),
        Command {
            what: "a walk by cursor across the boundary, five pages",
            command: format!(
                "next=; for i in 1 2 3 4 5; do page=$(curl -s -H \"$AUTH\" \
                 \"{messages}?limit=3${{next:-&at={boundary}}}\"); echo \"$page\"; \
                 next=\"&before=$(echo \"$page\" | sed 's/.*\"next\":\"\\([^\"]*\\)\".*/\\1/')\"; done"
            ),
        },
        get("a search in both tiers", format!("{messages}/search?q={word}&limit=5")),
        get("a post and its counts", format!("$URL/api/posts/{post}")),
        get(
            "a year of weekly prices",
            format!("$URL/api/stocks/symbols/{symbol}/prices?interval=week&order=asc"),
        ),
        get(
            "the days around the boundary, as CSV",
            format!(
                "$URL/api/stocks/symbols/{symbol}/prices?start_date={}&end_date={}&format=csv",
                day - chrono::Days::new(5),
                day + chrono::Days::new(5),
            ),
        ),
    ]
}

fn print(url: &str, console: &str, token: &str, commands: &[Command]) {
    outln!("\nServing two tiers on {url}; the API is described at {url}/docs.\n");
    outln!("The console, signed in:\n\n{console}\n\nIn another shell:\n");
    outln!("URL={url}\nAUTH=\"Authorization: Bearer {token}\"\n");
    for Command { what, command } in commands {
        outln!("# {what}\n{command}\n");
    }
    outln!("Stop with ctrl-c.");
}
