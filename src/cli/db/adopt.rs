//! `thermocline db adopt`

use std::collections::BTreeMap;
use std::time::Instant;

use indicatif::ProgressBar;

use crate::adopt::{self, AdoptionReport, Detected, Plan};
use crate::archive::adopt::{self as archive, Class, Original, Phase, Step, TableReport, UTC};
use crate::cli::args;
use crate::cli::connect;
use crate::cli::failure::Failure;
use crate::cli::output::print_json;
use crate::cli::schema_setup::bring_up_to_date;
use crate::clock::Clock;
use crate::config::Settings;
use crate::journal::{pair, state};
use crate::resources::registry;
use crate::tier::adoption::{Adoption, PlatformZone, Preparation};
use crate::tier::{Schema, Tier, migrate};

/// Adopt the databases of a live platform, both sides
///
/// Hot gets what is missing in it. The platform's own archive in cold is set aside, and every row of it becomes part of this
/// archive, once; rows that cannot are kept aside and listed. It may be killed at any moment, and the next run goes on. The
/// platform's own tables stay readable until --finish drops them.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  thermocline db adopt --dry-run
  thermocline db adopt --platform-zone Asia/Taipei
  thermocline db adopt --finish")]
pub struct Args {
    /// Report what would become of the rows, and change nothing
    #[arg(long, conflicts_with = "finish")]
    dry_run: bool,
    /// Drop the platform's own tables, which were set aside
    #[arg(long)]
    finish: bool,
    /// Take the adoption back: rows that have left hot since go back there, and the platform's tables to their schema
    #[arg(long, conflicts_with_all = ["finish", "dry_run"])]
    back_out: bool,
    /// The time zone of the platform's instants, if it did not write UTC
    #[arg(long, value_name = "ZONE")]
    platform_zone: Option<PlatformZone>,
}

/// Runs the command.
pub async fn run(args: &Args, settings: &Settings, json: bool) -> Result<(), Failure> {
    let Some(location) = &settings.cold else {
        return Err(Failure::Usage(
            "COLD_DATABASE_URL: not set, but an adoption needs a cold tier".to_owned(),
        ));
    };
    let report = &mut |attempt: &connect::FailedAttempt<'_>| errln!("{attempt}");
    let cold = connect::wait(Tier::Cold, location, settings.tries, report).await?;
    let hot = connect::wait(Tier::Hot, &settings.hot, settings.tries, report).await?;
    let zone = args.platform_zone;
    let done = if args.finish {
        finish(&*cold, json).await
    } else if args.back_out {
        back_out(&*hot, &*cold, json).await
    } else if args.dry_run {
        look(&*hot, &*cold, zone).await.and_then(|report| print(&report, json))
    } else {
        prepare_hot(&*hot, zone).await?;
        set_aside(&*cold).await?;
        bring_up_to_date(&*cold, true).await?;
        complete(&*hot, &*cold, zone).await.and_then(|report| print(&report, json))
    };
    hot.close().await;
    cold.close().await;
    done
}

/// Adopts or upgrades hot. Times that the platform stored in a zone of its own become UTC when they are adopted.
async fn prepare_hot(hot: &dyn Schema, zone: Option<PlatformZone>) -> Result<(), Failure> {
    if zone.is_some() && hot.recorded().await.map_err(Failure::of)?.is_none() {
        migrate::adopt(hot, &Adoption { zone }).await.map_err(Failure::of)?;
    }
    bring_up_to_date(hot, true).await.map(drop)
}

/// Sets the archive of a platform aside, so that ours can be made.
pub async fn set_aside(cold: &dyn Schema) -> Result<(), Failure> {
    if detect(cold).await?.is_none() {
        return Ok(());
    }
    // Another process may be about to do the same.
    let lock = cold.migrating().await.map_err(Failure::of)?;
    let done = async {
        match detect(cold).await? {
            Some(originals) => archive::set_aside(cold, &originals).await.map_err(Failure::of),
            None => Ok(()),
        }
    };
    let done = done.await;
    lock.close().await;
    done
}

/// Returns the archive of a platform that was not set aside yet.
async fn detect(cold: &dyn Schema) -> Result<Option<Vec<Original>>, Failure> {
    if cold.is_embedded() {
        return Ok(None);
    }
    match adopt::detect(cold).await.map_err(Failure::of)? {
        Detected::Nothing => Ok(None),
        Detected::Platform(originals) => Ok(Some(originals)),
        Detected::Refused(obstacles) => Err(refused(&obstacles)),
    }
}

fn refused(obstacles: &[String]) -> Failure {
    Failure::Failed(format!(
        "the archive of the platform cannot be adopted; nothing was changed:\n  {}",
        obstacles.join("\n  ")
    ))
}

/// Adopts what was set aside, or goes on with it. One process does the work; others wait for it.
pub async fn complete(
    hot: &dyn Schema,
    cold: &dyn Schema,
    zone: Option<PlatformZone>,
) -> Result<AdoptionReport, Failure> {
    let begun = Instant::now();
    let clock = Clock::system();
    if archive::progress(cold).await.map_err(Failure::of)?.is_empty() {
        return Ok(AdoptionReport::default());
    }
    pair::ensure(hot, cold, &clock).await.map_err(Failure::of)?;
    let lock = cold.migrating().await.map_err(Failure::of)?;
    let done = async {
        if zone.is_some() {
            archive::set_zone(cold, &adopt::name_of(zone)).await.map_err(Failure::of)?;
        }
        let progress = archive::progress(cold).await.map_err(Failure::of)?;
        let differs = |table: &&archive::TableProgress| zone.is_some() && adopt::name_of(zone) != table.zone;
        if let Some(table) = progress.iter().find(differs) {
            return Err(Failure::Usage(format!(
                "--platform-zone: {} was copied with the zone {}",
                table.source, table.zone
            )));
        }
        let noted = progress.first().map(|table| table.zone.as_str()).filter(|noted| *noted != UTC);
        let zone = noted.map(str::parse).transpose().map_err(Failure::Failed)?;
        let originals = adopt::set_aside(cold).await.map_err(Failure::of)?;
        if originals.is_empty() && progress.iter().any(|table| table.phase != Phase::Done) {
            let text = format!("the tables of the platform are not in the schema {}", archive::SCHEMA);
            return Err(Failure::Failed(text));
        }
        let plan = Plan::of(&originals, zone).map_err(|obstacles| refused(&obstacles))?;
        let mover = adopt::mover(hot, cold, &clock);
        let mut bars = Bars::default();
        adopt::run(&mover, &plan, &mut |table, step| bars.show(table, step)).await.map_err(Failure::of)
    };
    let done = done.await;
    lock.close().await;
    let mut report = done?;
    report.seconds = begun.elapsed().as_secs_f64();
    Ok(report)
}

/// Returns what an adoption would do.
async fn look(
    hot: &dyn Schema,
    cold: &dyn Schema,
    zone: Option<PlatformZone>,
) -> Result<AdoptionReport, Failure> {
    let begun = Instant::now();
    let clock = Clock::system();
    let prepared = hot.preparation(&Adoption { zone }).await.map_err(Failure::of)?;
    let Some(originals) = detect(cold).await? else {
        return Ok(AdoptionReport { dry_run: true, hot: prepared, ..AdoptionReport::default() });
    };
    let plan = Plan::of(&originals, zone).map_err(|obstacles| refused(&obstacles))?;
    let mover = adopt::mover(hot, cold, &clock);
    let mut bars = Bars::default();
    let looked = adopt::look(&mover, &plan, &mut |table, step| bars.show(table, step)).await;
    let mut report = looked.map_err(Failure::of)?;
    report.hot = prepared;
    report.seconds = begun.elapsed().as_secs_f64();
    Ok(report)
}

/// Drops the platform's own tables.
async fn finish(cold: &dyn Schema, json: bool) -> Result<(), Failure> {
    let waiting = archive::unfinished(cold).await.map_err(Failure::of)?;
    if !waiting.is_empty() {
        let text = format!("the adoption of {} is not done: run `thermocline db adopt`", waiting.join(", "));
        return Err(Failure::Usage(text));
    }
    let originals = adopt::set_aside(cold).await.map_err(Failure::of)?;
    if !originals.is_empty() {
        archive::finish(cold, &originals).await.map_err(Failure::of)?;
    }
    let dropped: Vec<&str> = originals.iter().map(|original| original.name.as_str()).collect();
    if json {
        return print_json(&BTreeMap::from([("dropped", dropped)]));
    }
    match dropped.as_slice() {
        [] => outln!("nothing to drop"),
        dropped => outln!("dropped {} of the schema {}", dropped.join(", "), archive::SCHEMA),
    }
    Ok(())
}

/// Takes the adoption back. It may be killed at any moment, and the next run goes on.
async fn back_out(hot: &dyn Schema, cold: &dyn Schema, json: bool) -> Result<(), Failure> {
    let originals = adopt::set_aside(cold).await.map_err(Failure::of)?;
    if originals.is_empty() {
        let text = format!("the schema {} has no tables of the platform: it is too late", archive::SCHEMA);
        return Err(Failure::Failed(text));
    }
    let mut returned = 0;
    if cold.recorded().await.map_err(Failure::of)?.is_some_and(|rows| migrate::stands(&rows) > 0) {
        let clock = Clock::system();
        let mover = adopt::mover(hot, cold, &clock);
        let epochs = state::epochs(hot).await.map_err(Failure::of)?;
        for family in registry::families() {
            // Before its first move nothing has left hot.
            if epochs.get(family.resource).is_some_and(|epoch| *epoch > 0) {
                returned += archive::return_to_hot(&mover, family).await.map_err(Failure::of)?;
            }
        }
        archive::unpair(hot).await.map_err(Failure::of)?;
        migrate::downgrade(cold, 0).await.map_err(Failure::of)?;
    }
    cold.migrate(cold.steps(), migrate::Task::Reset).await.map_err(Failure::of)?;
    archive::put_back(cold, &originals).await.map_err(Failure::of)?;
    if json {
        return print_json(&BTreeMap::from([("returned", returned)]));
    }
    outln!("{returned} rows went back to hot; the platform's archive is where it was");
    Ok(())
}

/// The progress bars of the tables.
#[derive(Default)]
struct Bars(BTreeMap<String, ProgressBar>);

impl Bars {
    fn show(&mut self, table: &str, step: Step) {
        let bar = self.0.entry(table.to_owned()).or_insert_with(|| args::bar(table, 0, false));
        match step {
            Step::Begun(rows) => bar.set_length(rows.cast_unsigned()),
            Step::Copied(rows) => bar.set_position(rows.cast_unsigned()),
            Step::Counting => bar.set_message("counting"),
            Step::LeftHot(rows) => bar.set_message(format!("{rows} left hot")),
        }
    }
}

impl Drop for Bars {
    fn drop(&mut self) {
        self.0.values().for_each(ProgressBar::finish_and_clear);
    }
}

/// Prints a report.
pub fn print(report: &AdoptionReport, json: bool) -> Result<(), Failure> {
    if json {
        return print_json(report);
    }
    if let Some(Preparation { refusals, notes, statements }) = &report.hot {
        outln!("hot: {} statements would prepare the tables of the platform", statements.len());
        for text in refusals {
            outln!("  cannot be adopted: {text}");
        }
        for text in notes {
            outln!("  {text}");
        }
    }
    if report.tables.is_empty() {
        outln!("cold: no archive of a platform waits");
        return Ok(());
    }
    let verb = if report.dry_run { "would become" } else { "became" };
    for TableReport { source, rows, adopted, absent, ignored, classes } in &report.tables {
        outln!("{source}: {adopted} of {rows} rows {verb} part of the archive");
        for text in absent {
            outln!("  not there: {text}");
        }
        for text in ignored {
            outln!("  not taken over: {text}");
        }
        classes.iter().for_each(print_class);
    }
    report.parents.iter().for_each(print_class);
    outln!("{:.1} s, instants without a zone read as {}", report.seconds, report.zone);
    if !report.dry_run {
        outln!("The platform's tables are in the schema {} until `db adopt --finish`.", archive::SCHEMA);
    }
    Ok(())
}

fn print_class(Class { class, rows, first }: &Class) {
    outln!("  {class}: {rows}");
    for text in first {
        outln!("    {text}");
    }
    if *rows > first.len() as i64 && !first.is_empty() {
        outln!("    …");
    }
}
