//! `thermocline import`

use std::path::PathBuf;
use std::time::Instant;

use serde::Serialize;

use super::tiers::Tiers;
use super::{Failure, args, print_json};
use crate::clock::{Clock, Timestamp};
use crate::config::Settings;
use crate::import::{Format, Input, Noun, Options, Record, RejectsFile, shift};
use crate::load::{Loader, Verdict};

/// Records that go in together.
const CHUNK: usize = 2_000;

/// Put files of users, conversations, messages, posts, comments, likes, stocks or prices into the hot tier
///
/// The same import twice changes nothing. A bad line is named, counted and kept in the rejects file, and the rest
/// goes in; of a damaged file nothing does. Users, stocks and conversations that rows refer to are made.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  thermocline import messages messages.csv.gz
  thermocline import prices 2330.csv --format twse
  thermocline import messages old.csv --shift-newest-to 2026-11-20T00:00:00Z
  zcat posts.csv.gz | thermocline import posts -")]
pub struct Args {
    /// What the files hold: users, conversations, messages, posts, comments, likes, stocks or prices
    noun: Noun,
    /// The files; .gz is read as it is, - is standard input
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// csv: the columns of the data model; twse: the Taiwan exchange's own daily files [default: prices find out]
    #[arg(long)]
    format: Option<Format>,
    /// The symbol of an exchange's file, when its name does not tell
    #[arg(long)]
    symbol: Option<String>,
    /// Move all times so that the newest is this one; prices by whole weeks
    #[arg(long, value_name = "TIME", conflicts_with = "shift_by")]
    shift_newest_to: Option<Timestamp>,
    /// Move all times by so many microseconds, as printed by an earlier import
    #[arg(long, value_name = "MICROS", allow_negative_numbers = true)]
    shift_by: Option<i64>,
    /// Where rejected lines go [default: NOUN.rejects.csv]
    #[arg(long, value_name = "FILE")]
    rejects: Option<PathBuf>,
}

/// What became of the records of a file.
#[derive(Debug, Default, Serialize)]
struct Counts {
    read: u64,
    inserted: u64,
    known: u64,
    corrected: u64,
    rejected: u64,
}

#[derive(Debug, Serialize)]
struct FileReport {
    file: String,
    #[serde(flatten)]
    counts: Counts,
}

#[derive(Debug, Serialize)]
struct Report {
    noun: &'static str,
    files: Vec<FileReport>,
    /// Where rejected lines are, when there were any.
    rejects: Option<PathBuf>,
    /// What `--shift-by` takes for the files that belong to these.
    shift_by: Option<i64>,
    seconds: f64,
}

/// Runs it.
pub async fn run(args: Args, settings: &Settings, json: bool) -> Result<(), Failure> {
    let begun = Instant::now();
    let clock = Clock::system();
    let options = Options { format: args.format, symbol: args.symbol.clone() };
    // Every file is found sound before the first row of any goes in.
    let inputs: Vec<Input> = args
        .files
        .iter()
        .map(|file| Input::open(args.noun, file, &options))
        .collect::<Result<_, _>>()
        .map_err(Failure::of)?;
    let shift_by = match args.shift_newest_to {
        Some(target) => newest(&inputs)?.map(|newest| shift::offset(args.noun, newest, target)),
        None => args.shift_by,
    };
    let tiers = Tiers::open(settings, &clock).await?;
    let rejects = args.rejects.clone().unwrap_or_else(|| PathBuf::from(format!("{}.rejects.csv", args.noun)));
    if args.files.contains(&rejects) {
        let text = format!("--rejects: {} is a file to import; it would be overwritten", rejects.display());
        return Err(Failure::Usage(text));
    }
    let mut rejects = RejectsFile::new(rejects);
    let mut loader = Loader::new(&*tiers.hot, tiers.cold(), &clock);
    let mut files = Vec::new();
    for input in &inputs {
        let counts = load(&mut loader, args.noun, input, shift_by.unwrap_or(0), &mut rejects).await?;
        files.push(FileReport { file: input.name().to_owned(), counts });
    }
    rejects.flush().map_err(|error| unwritten(&rejects, &error))?;
    tiers.close().await;
    let report = Report {
        noun: args.noun.as_str(),
        files,
        rejects: (rejects.count() > 0).then(|| rejects.path().to_owned()),
        shift_by,
        seconds: begun.elapsed().as_secs_f64(),
    };
    if json {
        return print_json(&report);
    }
    print(&report);
    Ok(())
}

fn print(report: &Report) {
    for FileReport { file, counts } in &report.files {
        let Counts { read, inserted, known, corrected, rejected } = counts;
        say!(
            "{file}: {read} read, {inserted} inserted, {known} known, {corrected} corrected, {rejected} rejected"
        );
    }
    if let Some(rejects) = &report.rejects {
        say!("rejected lines are in {}", rejects.display());
    }
    if let Some(shift_by) = report.shift_by {
        say!("times were moved: --shift-by {shift_by} moves files that belong to these");
    }
    say!("{:.1} s", report.seconds);
}

/// The newest time in any file.
fn newest(inputs: &[Input]) -> Result<Option<Timestamp>, Failure> {
    let mut newest = None;
    for input in inputs {
        for item in input.records().map_err(Failure::of)? {
            if let Ok(record) = item.map_err(Failure::of)?.result {
                newest = newest.max(record.newest());
            }
        }
    }
    Ok(newest)
}

async fn load(
    loader: &mut Loader<'_>,
    noun: Noun,
    input: &Input,
    shift_by: i64,
    rejects: &mut RejectsFile,
) -> Result<Counts, Failure> {
    let bar = args::bar(noun.as_str(), input.bytes(), true);
    let mut counts = Counts::default();
    let mut chunk: Vec<(u64, String, Record)> = Vec::with_capacity(CHUNK);
    let mut records = input.records().map_err(Failure::of)?;
    loop {
        let item = records.next().transpose().map_err(Failure::of)?;
        let last = item.is_none();
        if let Some(item) = item {
            counts.read += 1;
            match item.result {
                Ok(mut record) => {
                    record.shift(shift_by);
                    chunk.push((item.line, item.raw, record));
                }
                Err(reject) => {
                    counts.rejected += 1;
                    add(rejects, input.name(), item.line, &reject.reason, &item.raw)?;
                }
            }
        }
        if chunk.len() >= CHUNK || last {
            commit(loader, noun, input.name(), &mut chunk, &mut counts, rejects).await?;
            bar.set_position(input.consumed());
        }
        if last {
            break;
        }
    }
    bar.finish_and_clear();
    Ok(counts)
}

async fn commit(
    loader: &mut Loader<'_>,
    noun: Noun,
    file: &str,
    chunk: &mut Vec<(u64, String, Record)>,
    counts: &mut Counts,
    rejects: &mut RejectsFile,
) -> Result<(), Failure> {
    let (mut places, mut records) = (Vec::new(), Vec::new());
    for (line, raw, record) in chunk.drain(..) {
        places.push((line, raw));
        records.push(record);
    }
    let verdicts = loader.load(noun, records).await.map_err(Failure::of)?;
    for ((line, raw), verdict) in places.into_iter().zip(verdicts) {
        match verdict {
            Verdict::Inserted => counts.inserted += 1,
            Verdict::Known => counts.known += 1,
            Verdict::Corrected => counts.corrected += 1,
            Verdict::Rejected(reason) => {
                counts.rejected += 1;
                add(rejects, file, line, &reason, &raw)?;
            }
        }
    }
    Ok(())
}

fn add(rejects: &mut RejectsFile, file: &str, line: u64, reason: &str, raw: &str) -> Result<(), Failure> {
    let added = rejects.add(file, line, reason, raw);
    added.map_err(|error| unwritten(rejects, &error))
}

fn unwritten(rejects: &RejectsFile, error: &dyn std::error::Error) -> Failure {
    Failure::Failed(format!("{}: {error}", rejects.path().display()))
}
