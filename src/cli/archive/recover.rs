//! `thermocline archive recover`

use std::ops::RangeInclusive;

use super::mover::mover;
use super::resources::{ResourceArgs, find};
use crate::archive::adopt;
use crate::archive::{Choices, Consent, Family, InDoubtMove, MissingParents, Mover, Recovery};
use crate::cli::failure::Failure;
use crate::cli::output::{confirm, print_all};
use crate::cli::tiers::Tiers;
use crate::clock::Clock;
use crate::journal::pair::Standing;
use crate::resources::registry;

/// Make the two databases consistent after one was restored from a backup, or built anew
///
/// Shows what it would do and asks for confirmation. A database that belongs to no pair, because its tables were dropped, is
/// joined to the other one. An older hot gets back the rows that moved to cold since its backup. An
/// older cold has lost moves, and each lost move must be named. The command may be killed at any moment and run again.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  thermocline archive recover --dry-run
  thermocline archive recover --yes
  thermocline archive recover --accept-loss messages:12-14 --accept-loss prices:3 --yes
  thermocline archive recover --interrupted messages:12 --dry-run")]
pub struct Args {
    #[command(flatten)]
    resources: ResourceArgs,
    /// Accept the loss of the rows that these moves of a resource took to cold
    #[arg(long, value_name = "RESOURCE:FIRST-LAST", value_parser = loss)]
    accept_loss: Vec<(String, RangeInclusive<i64>)>,
    /// Undo this move, which hot never committed, and bring none of its rows back
    #[arg(long, value_name = "RESOURCE:MOVE", value_parser = interrupted)]
    interrupted: Vec<(String, i64)>,
    /// Keep the rows of hot where the archive has other values
    #[arg(long)]
    keep_hot: bool,
    /// Show what would be done and change nothing
    #[arg(long)]
    dry_run: bool,
    /// Do not ask for confirmation
    #[arg(long)]
    yes: bool,
}

/// Parses `messages:12-14` or `messages:12`.
fn loss(text: &str) -> Result<(String, RangeInclusive<i64>), String> {
    let read = || {
        let (resource, moves) = text.split_once(':')?;
        let (first, last) = moves.split_once('-').unwrap_or((moves, moves));
        let moves: RangeInclusive<i64> = first.parse().ok()?..=last.parse().ok()?;
        if moves.is_empty() {
            return None;
        }
        find(resource).map(|family| (family.resource.to_owned(), moves))
    };
    read().ok_or_else(|| "expected a resource and its moves, such as messages:12-14".to_owned())
}

/// Parses `messages:12`.
fn interrupted(text: &str) -> Result<(String, i64), String> {
    let one = |(resource, moves): (String, RangeInclusive<i64>)| {
        (moves.start() == moves.end()).then(|| (resource, *moves.start()))
    };
    let read = loss(text).ok().and_then(one);
    read.ok_or_else(|| "expected a resource and one of its moves, such as messages:12".to_owned())
}

impl Args {
    fn choices(&self, resource: &str) -> Choices {
        let named = self.interrupted.iter().filter(|(named, _)| named == resource);
        Choices { interrupted: named.map(|(_, number)| *number).collect(), keep_hot: self.keep_hot }
    }
}

/// Runs the command.
pub async fn run(
    args: &Args,
    (tiers, standing): (&Tiers, Standing),
    clock: &Clock,
    json: bool,
) -> Result<(), Failure> {
    let mover = mover(tiers, clock)?;
    let families = args.resources.families();
    let joins = matches!(standing, Standing::HotUnpaired(_) | Standing::ColdUnpaired(_));
    if joins && families.len() < registry::families().len() {
        return Err(Failure::Usage("--resource: a pair is joined as a whole".to_owned()));
    }
    let families = without_copied(tiers, families, json).await?;
    let seen = recover_each(&mover, &families, args, |_| Consent::DryRun).await?;
    let wanted = joins || seen.iter().any(Recovery::is_wanted);
    if !json {
        print_standing(standing);
    }
    if args.dry_run || !wanted {
        return print_all(&seen, json, print);
    }
    if !json {
        seen.iter().for_each(print);
    }
    ensure_possible(args, &seen)?;
    confirm("The changes above will be made.", args.yes)?;
    let consent = |resource: &str| {
        let named = args.accept_loss.iter().find(|(named, _)| named == resource);
        named.map_or(Consent::Lossless, |(_, moves)| Consent::AcceptLoss(moves.clone()))
    };
    let done = recover_each(&mover, &families, args, consent).await?;
    if done.iter().any(|recovery| recovery.is_due() && recovery.epoch.is_none()) {
        return Err(Failure::Failed("the databases changed meanwhile; look again with --dry-run".to_owned()));
    }
    tiers.join(standing).await?;
    print_all(&done, json, |Recovery { resource, epoch, interrupted, .. }| {
        for InDoubtMove { epoch, .. } in interrupted {
            outln!("{resource}: undid move {epoch}");
        }
        if let Some(epoch) = epoch {
            outln!("{resource}: recovered, move {epoch}");
        }
    })
}

/// Leaves out the resources whose rows an adoption is copying: no reader has seen them, and their adoption goes on.
async fn without_copied(
    tiers: &Tiers,
    mut families: Vec<&'static Family>,
    json: bool,
) -> Result<Vec<&'static Family>, Failure> {
    let copying = adopt::copying(tiers.need_cold()?).await.map_err(Failure::of)?;
    families.retain(|family| {
        let is_copied = copying.iter().any(|table| *table == family.own().archived);
        if is_copied && !json {
            outln!("{}: left alone, since `thermocline db adopt` is not done with it", family.resource);
        }
        !is_copied
    });
    Ok(families)
}

/// Says which database belongs to no pair.
fn print_standing(standing: Standing) {
    match standing {
        Standing::HotUnpaired(pair) => {
            outln!("hot belongs to no pair; it will be joined to the cold of pair {pair}");
        }
        Standing::ColdUnpaired(pair) => {
            outln!("cold belongs to no pair; it will be joined to the hot of pair {pair}");
        }
        Standing::Paired | Standing::Fresh => {}
    }
}

async fn recover_each(
    mover: &Mover<'_>,
    families: &[&'static Family],
    args: &Args,
    consent: impl Fn(&str) -> Consent,
) -> Result<Vec<Recovery>, Failure> {
    let mut all = Vec::new();
    for family in families {
        let (consent, choices) = (consent(family.resource), args.choices(family.resource));
        all.push(mover.recover_with(family, &consent, &choices).await.map_err(Failure::of)?);
    }
    Ok(all)
}

/// Refuses a recovery that needs a repair or another flag first.
fn ensure_possible(args: &Args, seen: &[Recovery]) -> Result<(), Failure> {
    for Recovery { resource, lost, conflicts, orphans, refused, .. } in seen {
        if let Some(reason) = refused.first() {
            return Err(Failure::Usage(format!("--interrupted {resource}: {reason}")));
        }
        if !conflicts.is_empty() {
            let text = format!("{resource}: {} ids of hot belong to other rows in cold", conflicts.len());
            return Err(Failure::Failed(text));
        }
        if !orphans.is_empty() {
            let text = format!(
                "{resource}: {} rows refer to rows that hot does not have; create those first",
                orphans.len()
            );
            return Err(Failure::Failed(text));
        }
        let named = args.accept_loss.iter().find(|(named, _)| named == resource).map(|(_, moves)| moves);
        match (lost, named) {
            (None, None) => {}
            (Some((first, last)), Some(moves)) if *moves == (*first..=*last) => {}
            (Some((first, last)), _) => {
                let text =
                    format!("{resource}: accept the loss with `--accept-loss {resource}:{first}-{last}`");
                return Err(Failure::Failed(text));
            }
            (None, Some(_)) => {
                return Err(Failure::Usage(format!("--accept-loss: {resource} has lost nothing")));
            }
        }
    }
    Ok(())
}

fn print(recovery: &Recovery) {
    let Recovery { resource, hot_epoch, .. } = recovery;
    let state = if recovery.is_due() { "hot is" } else { "consistent," };
    outln!("{resource}: {state} at move {hot_epoch}");
    for reason in &recovery.refused {
        outln!("  {reason}");
    }
    for InDoubtMove { epoch, rows, in_hot } in &recovery.interrupted {
        outln!(
            "  move {epoch} will be undone; hot has {in_hot} of its {rows} rows, and the others do not come back"
        );
    }
    for InDoubtMove { epoch, rows, in_hot } in &recovery.in_doubt {
        outln!(
            "  it is not confirmed that hot committed move {epoch}, and hot has {in_hot} of its {rows} rows; if it did \
             not, and the others were deleted since, use --interrupted {resource}:{epoch}"
        );
    }
    if !recovery.is_due() {
        return;
    }
    if recovery.joins {
        outln!(
            "  hot does not know which of the {} moves it has made: the rows decide",
            recovery.unknown_to_hot.len()
        );
    } else if let (Some(first), Some(last)) =
        (recovery.unknown_to_hot.first(), recovery.unknown_to_hot.last())
    {
        let number = recovery.unknown_to_hot.len();
        outln!("  hot is older: it lacks {number} moves, {first} to {last}");
    }
    if recovery.adopted > 0 {
        outln!("  {} of them were adopted: their rows stay in cold, unless hot holds them", recovery.adopted);
    }
    if let Some((first, last)) = recovery.lost {
        outln!("  cold is older: the rows of moves {first} to {last} are lost");
    }
    outln!(
        "  {} rows come back to hot; of its rows with other values, {} are replaced and {} are kept",
        recovery.brought_back,
        recovery.replaced,
        recovery.kept
    );
    outln!(
        "  {} versions are closed in cold, {} erased rows are removed again",
        recovery.closed,
        recovery.erased
    );
    for MissingParents { table, ids, first } in &recovery.missing_parents {
        let first: Vec<String> = first.iter().map(ToString::to_string).collect();
        outln!("  archived rows refer to {ids} {table} that hot does not have: {}", first.join(", "));
    }
    for row in &recovery.first {
        outln!("    {row}");
    }
    for row in &recovery.differing {
        outln!("    hot has other values: {row}");
    }
    for row in &recovery.conflicts {
        outln!("  id of another row: {row}");
    }
    for row in &recovery.orphans {
        outln!("  cannot come back: {row}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_loss_names_a_resource_and_its_moves() {
        assert_eq!(loss("messages:12-14"), Ok(("messages".to_owned(), 12..=14)));
        assert_eq!(loss("prices:3"), Ok(("prices".to_owned(), 3..=3)));
        for text in ["", "12", "users:1", "posts:", "posts:a-b", "messages:3-1"] {
            assert!(loss(text).is_err(), "{text}");
        }
        assert_eq!(interrupted("messages:12"), Ok(("messages".to_owned(), 12)));
        assert!(interrupted("messages:12-13").is_err());
    }
}
