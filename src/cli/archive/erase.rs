//! `thermocline archive erase`

use serde::Serialize;

use crate::cli::tiers::Tiers;
use crate::cli::{Failure, print_json};
use crate::clock::Clock;

/// Erase rows from both tiers, for good
///
/// A post goes with its comments and likes. A user is what he sent, wrote, commented and liked, and everybody's comments
/// and likes on his posts. Neither an import nor a backup brings the rows back. May be killed at any moment: whoever moves
/// rows next goes on.
#[derive(Debug, clap::Args)]
#[command(
    group = clap::ArgGroup::new("whose").required(true).args(["id", "user"]),
    after_help = "\
Examples:
  thermocline archive erase --resource messages --id 119946
  thermocline archive erase --resource comments --id 7 --id 9
  thermocline archive erase --user 42"
)]
pub struct Args {
    /// What the ids are of
    #[arg(long, value_parser = ["messages", "posts", "comments", "prices"], conflicts_with = "user")]
    resource: Option<String>,
    /// A row; may be given several times
    #[arg(long, requires = "resource", value_parser = clap::value_parser!(i64).range(1..))]
    id: Vec<i64>,
    /// Everything of this user
    #[arg(long, value_parser = clap::value_parser!(i64).range(1..))]
    user: Option<i64>,
}

#[derive(Debug, Serialize)]
struct Erased {
    resource: &'static str,
    rows: i64,
}

/// Runs it.
pub async fn run(args: &Args, tiers: &Tiers, clock: &Clock, json: bool) -> Result<(), Failure> {
    let mover = super::mover(tiers, clock)?;
    let mut all = Vec::new();
    let resource = args.resource.as_ref().map(|noun| match noun.as_str() {
        "comments" => "posts".to_owned(),
        other => other.to_owned(),
    });
    for family in super::families(resource.as_slice()) {
        let rows = match (&args.resource, args.user) {
            (Some(noun), _) => mover.erase(family, noun, &args.id).await,
            (None, Some(user)) => mover.erase_user(family, user).await,
            (None, None) => Ok(0),
        };
        all.push(Erased { resource: family.resource, rows: rows.map_err(Failure::of)? });
    }
    if json {
        return print_json(&all);
    }
    for Erased { resource, rows } in all {
        say!("{resource}: {rows} rows erased");
    }
    Ok(())
}
