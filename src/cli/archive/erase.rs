//! `thermocline archive erase`

use clap::builder::PossibleValuesParser;
use serde::Serialize;

use super::mover::mover;
use super::resources::erasable;
use crate::adopt::set_aside;
use crate::archive::adopt;
use crate::cli::failure::Failure;
use crate::cli::output::print_all;
use crate::cli::tiers::Tiers;
use crate::clock::Clock;
use crate::resources::registry;

/// Erase rows from both tiers for good
///
/// Erasing a post removes its comments and likes too. Erasing a user removes everything they sent, posted, commented or
/// liked, and all comments and likes on their posts. Neither an import nor a backup brings the rows back. The command may be
/// killed at any moment: the next mover finishes the erasure.
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
    /// The kind of rows that the ids belong to
    #[arg(long, value_parser = PossibleValuesParser::new(kinds()), conflicts_with = "user")]
    resource: Option<String>,
    /// The id of a row; may be repeated
    #[arg(long, requires = "resource", allow_negative_numbers = true)]
    id: Vec<i64>,
    /// Erase everything of this user
    #[arg(long, allow_negative_numbers = true)]
    user: Option<i64>,
}

/// Returns the kinds of rows that can be erased by id.
fn kinds() -> Vec<&'static str> {
    registry::families().into_iter().flat_map(erasable).collect()
}

#[derive(Debug, Serialize)]
struct Erased {
    resource: &'static str,
    rows: i64,
}

/// Runs the command.
pub async fn run(args: &Args, tiers: &Tiers, clock: &Clock, json: bool) -> Result<(), Failure> {
    let mover = mover(tiers, clock)?;
    let mut all = Vec::new();
    for family in registry::families() {
        let rows = match (args.resource.as_deref(), args.user) {
            (Some(kind), _) if erasable(family).any(|known| known == kind) => {
                mover.erase(family, kind, &args.id).await
            }
            (None, Some(user)) => mover.erase_user(family, user).await,
            _ => continue,
        };
        all.push(Erased { resource: family.resource, rows: rows.map_err(Failure::of)? });
    }
    forget_erased(tiers, args.user).await?;
    print_all(&all, json, |Erased { resource, rows }| outln!("{resource}: {rows} rows erased"))
}

/// Removes erased rows from what an adoption has kept: the platform's own tables, and the rows kept aside.
async fn forget_erased(tiers: &Tiers, user: Option<i64>) -> Result<(), Failure> {
    let cold = tiers.need_cold()?;
    if adopt::progress(cold).await.map_err(Failure::of)?.is_empty() {
        return Ok(());
    }
    let originals = set_aside(cold).await.map_err(Failure::of)?;
    let done = adopt::forget_erased(cold, &originals, &registry::families(), user).await;
    done.map(drop).map_err(Failure::of)
}
