//! `thermocline archive recover`

use std::ops::RangeInclusive;

use crate::archive::{Choices, Consent, Family, InDoubtMove, Mover, Recovery};
use crate::cli::talk::confirm;
use crate::cli::tiers::Tiers;
use crate::cli::{Failure, print_json};
use crate::clock::Clock;

/// Make the two databases fit again after one has come back from a backup
///
/// Shows what it would do and asks. Hot gets back what it had given away since its backup; of an older cold, the moves it
/// no longer knows are lost, and have to be named. May be killed at any moment and run again.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  thermocline archive recover --dry-run
  thermocline archive recover --yes
  thermocline archive recover --accept-loss messages:12-14 --accept-loss prices:3 --yes
  thermocline archive recover --interrupted messages:12 --dry-run")]
pub struct Args {
    /// Only this resource; may be given several times [messages, posts, prices]
    #[arg(long, value_parser = super::RESOURCES)]
    resource: Vec<String>,
    /// Give up what these moves of a resource had taken to cold
    #[arg(long, value_name = "RESOURCE:FIRST-LAST", value_parser = loss)]
    accept_loss: Vec<(String, RangeInclusive<i64>)>,
    /// This move never reached hot: undo it, and bring no row of it back
    #[arg(long, value_name = "RESOURCE:MOVE", value_parser = interrupted)]
    interrupted: Vec<(String, i64)>,
    /// Where hot holds a row with other values than the archive, leave it as it is
    #[arg(long)]
    keep_hot: bool,
    /// Show what would be done and change nothing
    #[arg(long = "dry-run")]
    only_look: bool,
    /// Do not ask
    #[arg(long)]
    yes: bool,
}

/// `messages:12-14` or `messages:12`.
fn loss(text: &str) -> Result<(String, RangeInclusive<i64>), String> {
    let read = || {
        let (resource, moves) = text.split_once(':')?;
        let (first, last) = moves.split_once('-').unwrap_or((moves, moves));
        let moves: RangeInclusive<i64> = first.parse().ok()?..=last.parse().ok()?;
        if moves.is_empty() {
            return None;
        }
        super::families(&[resource.to_owned()]).first().map(|family| (family.resource.to_owned(), moves))
    };
    read().ok_or_else(|| "expected a resource and its moves, such as messages:12-14".to_owned())
}

/// `messages:12`.
fn interrupted(text: &str) -> Result<(String, i64), String> {
    let one = |(resource, moves): (String, RangeInclusive<i64>)| {
        (moves.start() == moves.end()).then(|| (resource, *moves.start()))
    };
    let read = loss(text).ok().and_then(one);
    read.ok_or_else(|| "expected a resource and one move of it, such as messages:12".to_owned())
}

impl Args {
    fn choices(&self, resource: &str) -> Choices {
        let named = self.interrupted.iter().filter(|(named, _)| named == resource);
        Choices { interrupted: named.map(|(_, number)| *number).collect(), keep_hot: self.keep_hot }
    }
}

/// Runs it.
pub async fn run(args: &Args, tiers: &Tiers, clock: &Clock, json: bool) -> Result<(), Failure> {
    let mover = super::mover(tiers, clock)?;
    let families = super::families(&args.resource);
    let seen = each(&mover, &families, args, |_| Consent::DryRun).await?;
    let wanted = seen.iter().any(Recovery::is_wanted);
    if !json || args.only_look {
        tell(&seen, json)?;
    }
    if args.only_look || !wanted {
        return if json && !args.only_look { print_json(&seen) } else { Ok(()) };
    }
    refuse(args, &seen)?;
    confirm("That is what will be done.", args.yes)?;
    let consent = |resource: &str| {
        let named = args.accept_loss.iter().find(|(named, _)| named == resource);
        named.map_or(Consent::Lossless, |(_, moves)| Consent::AcceptLoss(moves.clone()))
    };
    let done = each(&mover, &families, args, consent).await?;
    if json {
        return print_json(&done);
    }
    for Recovery { resource, epoch, interrupted, .. } in &done {
        for InDoubtMove { epoch, .. } in interrupted {
            say!("{resource}: undid move {epoch}");
        }
        if let Some(epoch) = epoch {
            say!("{resource}: recovered, move {epoch}");
        }
    }
    Ok(())
}

async fn each(
    mover: &Mover<'_>,
    families: &[&'static Family],
    args: &Args,
    consent: impl Fn(&str) -> Consent,
) -> Result<Vec<Recovery>, Failure> {
    let mut all = Vec::new();
    for family in families {
        all.push(
            mover
                .recover_with(family, &consent(family.resource), &args.choices(family.resource))
                .await
                .map_err(Failure::of)?,
        );
    }
    Ok(all)
}

/// What has to be mended, or said, before anything is changed.
fn refuse(args: &Args, seen: &[Recovery]) -> Result<(), Failure> {
    for Recovery { resource, lost, conflicts, orphans, refused, .. } in seen {
        if let Some(reason) = refused.first() {
            return Err(Failure::Usage(format!("--interrupted {resource}: {reason}")));
        }
        if !conflicts.is_empty() {
            let text = format!("{resource}: {} ids of hot belong to other rows in cold", conflicts.len());
            return Err(Failure::Failed(text));
        }
        if !orphans.is_empty() {
            let text =
                format!("{resource}: {} rows refer to what hot does not have; make it again", orphans.len());
            return Err(Failure::Failed(text));
        }
        let named = args.accept_loss.iter().find(|(named, _)| named == resource).map(|(_, moves)| moves);
        match (lost, named) {
            (None, None) => {}
            (Some((first, last)), Some(moves)) if *moves == (*first..=*last) => {}
            (Some((first, last)), _) => {
                let text =
                    format!("{resource}: say `--accept-loss {resource}:{first}-{last}` to give them up");
                return Err(Failure::Failed(text));
            }
            (None, Some(_)) => {
                return Err(Failure::Usage(format!("--accept-loss: nothing of {resource} is lost")));
            }
        }
    }
    Ok(())
}

fn tell(seen: &[Recovery], json: bool) -> Result<(), Failure> {
    if json {
        return print_json(&seen);
    }
    for recovery in seen {
        let Recovery { resource, hot_epoch, .. } = recovery;
        let stands = if recovery.is_due() { "hot stands" } else { "fits," };
        say!("{resource}: {stands} at move {hot_epoch}");
        for reason in &recovery.refused {
            say!("  {reason}");
        }
        for InDoubtMove { epoch, rows, in_hot } in &recovery.interrupted {
            say!(
                "  move {epoch} is undone; hot holds {in_hot} of its {rows} rows, and the others do not come back"
            );
        }
        for InDoubtMove { epoch, rows, in_hot } in &recovery.in_doubt {
            say!(
                "  nobody has seen hot commit move {epoch}, of whose {rows} rows it holds {in_hot}; if it never did, and the \
                 others were deleted since, say --interrupted {resource}:{epoch}"
            );
        }
        if !recovery.is_due() {
            continue;
        }
        if let (Some(first), Some(last)) = (recovery.unknown_to_hot.first(), recovery.unknown_to_hot.last()) {
            let number = recovery.unknown_to_hot.len();
            say!("  hot is older: it knows nothing of {number} moves, {first} to {last}");
        }
        if let Some((first, last)) = recovery.lost {
            say!("  cold is older: what moves {first} to {last} took to it is lost");
        }
        say!(
            "  {} rows come back to hot; of those it holds with other values {} get the archive's, {} stay as they are",
            recovery.brought_back,
            recovery.replaced,
            recovery.kept
        );
        say!("  {} versions are closed in cold, {} erased rows go again", recovery.closed, recovery.erased);
        for row in &recovery.first {
            say!("    {row}");
        }
        for row in &recovery.differing {
            say!("    hot holds other values: {row}");
        }
        for row in &recovery.conflicts {
            say!("  the id of another row: {row}");
        }
        for row in &recovery.orphans {
            say!("  cannot come back: {row}");
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_loss_is_a_resource_and_its_moves() {
        assert_eq!(loss("messages:12-14"), Ok(("messages".to_owned(), 12..=14)));
        assert_eq!(loss("prices:3"), Ok(("prices".to_owned(), 3..=3)));
        for text in ["", "12", "users:1", "posts:", "posts:a-b", "messages:3-1"] {
            assert!(loss(text).is_err(), "{text}");
        }
        assert_eq!(interrupted("messages:12"), Ok(("messages".to_owned(), 12)));
        assert!(interrupted("messages:12-13").is_err());
    }
}
