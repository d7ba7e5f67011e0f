//! `thermocline import`

use std::path::PathBuf;
use std::time::Instant;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use serde::Serialize;

use super::archive::mover::mover;
use super::args;
use super::failure::Failure;
use super::output::print_json;
use super::tiers::Tiers;
use crate::adopt;
use crate::archive::{Family, Mover};
use crate::clock::{Clock, Timestamp};
use crate::config::Settings;
use crate::import::{Format, Input, Item, Noun, Options, Record, RejectsFile, future_reason, shift};
use crate::load::{Loader, Verdict};
use crate::resources::registry;

/// Records that go in together.
const CHUNK: usize = 2_000;

/// Import files of records into the hot tier
///
/// The same import twice changes nothing. A bad line is named, counted and written to the rejects file, and the other
/// lines go in. Nothing of a damaged file goes in, and a file of which every line is bad is a failure. Missing users, stocks
/// and conversations that rows refer to are created. A row dated more than 10 minutes in the future is a bad line.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  thermocline import messages messages.csv.gz
  thermocline import prices 2330.csv --format twse
  thermocline import messages --archived archive-2019.csv.gz
  thermocline import messages old.csv --shift-newest-to 2026-11-20T00:00:00Z
  zcat posts.csv.gz | thermocline import posts -")]
pub struct Args {
    /// The records in the files
    #[arg(value_parser = noun())]
    noun: &'static Noun,
    /// The files; .gz is decompressed, - is standard input
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// csv: the columns of the data model; twse: daily files of the Taiwan Stock Exchange [default: detected for prices]
    #[arg(long)]
    format: Option<Format>,
    /// Put the rows straight into cold: files with the columns of a platform's own archive, of messages or posts
    #[arg(long, conflicts_with_all = ["format", "symbol"])]
    archived: bool,
    /// The symbol of an exchange's file whose name does not contain it
    #[arg(long)]
    symbol: Option<String>,
    /// Move all times so that the newest is this one; prices by whole weeks
    #[arg(long, value_name = "TIME", conflicts_with = "shift_by")]
    shift_newest_to: Option<Timestamp>,
    /// Move all times by this many microseconds, as printed by an earlier import
    #[arg(long, value_name = "MICROS", allow_negative_numbers = true)]
    shift_by: Option<i64>,
    /// The file for rejected lines [default: NOUN.rejects.csv]
    #[arg(long, value_name = "FILE")]
    rejects: Option<PathBuf>,
}

/// Accepts the names of what the resources can import.
fn noun() -> impl TypedValueParser<Value = &'static Noun> {
    let names = PossibleValuesParser::new(registry::imports().map(|(_, noun)| noun.name));
    names.try_map(|name| {
        let mut nouns = registry::imports().map(|(_, noun)| noun);
        nouns.find(|noun| noun.name == name).ok_or("not a noun")
    })
}

/// Returns the family of records that can go straight into cold.
fn archived_family(noun: &Noun) -> Result<&'static Family, Failure> {
    let families = registry::families().into_iter();
    // A price may be a correction, which hot decides.
    let family = families.filter(|family| !family.by_day).find(|family| family.own().table == noun.table);
    family.ok_or_else(|| Failure::Usage(format!("--archived: {noun} go into hot, and from there into cold")))
}

/// The number of records of a file that were read, and their outcomes.
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
struct ImportReport {
    noun: &'static str,
    files: Vec<FileReport>,
    /// The file of rejected lines, if there were any.
    rejects: Option<PathBuf>,
    /// The value of `--shift-by` for files that belong to these.
    shift_by: Option<i64>,
    seconds: f64,
}

/// Runs the command.
pub async fn run(args: Args, settings: &Settings, json: bool) -> Result<(), Failure> {
    let begun = Instant::now();
    let clock = Clock::system();
    let Args { noun, files, format, archived, symbol, shift_newest_to, shift_by, rejects } = args;
    let family = if archived { Some(archived_family(noun)?) } else { None };
    let options = Options { format, symbol, archived };
    // Every file is checked before the first row of any goes in.
    let inputs: Vec<Input> = files
        .iter()
        .map(|file| Input::open(noun, file, &options))
        .collect::<Result<_, _>>()
        .map_err(Failure::of)?;
    let shift_by = match shift_newest_to {
        Some(target) => newest(&inputs)?.map(|newest| shift::offset(noun, newest, target)),
        None => shift_by,
    };
    let tiers = Tiers::open(settings, &clock).await?;
    let rejects = rejects.unwrap_or_else(|| PathBuf::from(format!("{noun}.rejects.csv")));
    if files.contains(&rejects) {
        let text = format!("--rejects: {} is a file to import; it would be overwritten", rejects.display());
        return Err(Failure::Usage(text));
    }
    let mut import = Import {
        noun,
        shift_by: shift_by.unwrap_or(0),
        clock: &clock,
        loader: Loader::new(&*tiers.hot, tiers.cold(), &clock),
        archive: match family {
            Some(family) => Some((mover(&tiers, &clock)?, family)),
            None => None,
        },
        rejects: RejectsFile::new(rejects),
    };
    let mut files = Vec::new();
    for input in &inputs {
        files.push(FileReport { file: input.name().to_owned(), counts: import.file(input).await? });
    }
    let rejects = import.finish()?;
    tiers.close().await;
    let seconds = begun.elapsed().as_secs_f64();
    let report = ImportReport { noun: noun.name, files, rejects, shift_by, seconds };
    if json {
        print_json(&report)?;
    } else {
        print(&report);
    }
    let nothing_went_in =
        |file: &FileReport| file.counts.read > 0 && file.counts.rejected == file.counts.read;
    if report.files.iter().any(nothing_went_in) { Err(Failure::Reported) } else { Ok(()) }
}

fn print(report: &ImportReport) {
    for FileReport { file, counts } in &report.files {
        let Counts { read, inserted, known, corrected, rejected } = counts;
        outln!(
            "{file}: {read} read, {inserted} inserted, {known} known, {corrected} corrected, {rejected} rejected"
        );
    }
    if let Some(rejects) = &report.rejects {
        outln!("rejected lines are in {}", rejects.display());
    }
    if let Some(shift_by) = report.shift_by {
        outln!("times were moved; use --shift-by {shift_by} for files that belong to these");
    }
    outln!("{:.1} s", report.seconds);
}

/// Returns the newest time in any file.
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

/// An import under way.
struct Import<'a> {
    noun: &'static Noun,
    shift_by: i64,
    clock: &'a Clock,
    loader: Loader<'a>,
    /// The mover and the family of rows that go straight into cold.
    archive: Option<(Mover<'a>, &'static Family)>,
    rejects: RejectsFile,
}

/// A chunk of sound records of one file: the line and the text of each, and the record.
type Chunk = Vec<((u64, String), Record)>;

impl Import<'_> {
    async fn file(&mut self, input: &Input) -> Result<Counts, Failure> {
        let bar = args::bar(self.noun.name, input.bytes(), true);
        let mut counts = Counts::default();
        let mut chunk = Chunk::with_capacity(CHUNK);
        for item in input.records().map_err(Failure::of)? {
            let Item { line, raw, result } = item.map_err(Failure::of)?;
            counts.read += 1;
            match result {
                Ok(mut record) => {
                    record.shift(self.shift_by);
                    match future_reason(&record, self.clock.now()) {
                        None => chunk.push(((line, raw), record)),
                        Some(reason) => self.reject(input, &mut counts, &(line, raw), &reason)?,
                    }
                }
                Err(reject) => self.reject(input, &mut counts, &(line, raw), &reject.reason)?,
            }
            if chunk.len() >= CHUNK {
                self.chunk(input, &mut counts, std::mem::take(&mut chunk)).await?;
                bar.set_position(input.consumed());
            }
        }
        self.chunk(input, &mut counts, chunk).await?;
        bar.finish_and_clear();
        Ok(counts)
    }

    /// Loads a chunk in one transaction.
    async fn chunk(&mut self, input: &Input, counts: &mut Counts, chunk: Chunk) -> Result<(), Failure> {
        let (lines, records): (Vec<_>, Vec<_>) = chunk.into_iter().unzip();
        let verdicts = match &self.archive {
            Some((mover, family)) => adopt::bring(mover, family, records).await.map_err(Failure::of)?,
            None => self.loader.load(self.noun, records).await.map_err(Failure::of)?,
        };
        for (line, verdict) in lines.iter().zip(verdicts) {
            match verdict {
                Verdict::Inserted => counts.inserted += 1,
                Verdict::Known => counts.known += 1,
                Verdict::Corrected => counts.corrected += 1,
                Verdict::Rejected(reason) => self.reject(input, counts, line, &reason)?,
            }
        }
        Ok(())
    }

    fn reject(
        &mut self,
        input: &Input,
        counts: &mut Counts,
        (line, raw): &(u64, String),
        reason: &str,
    ) -> Result<(), Failure> {
        counts.rejected += 1;
        let added = self.rejects.add(input.name(), *line, reason, raw);
        added.map_err(|error| self.unwritten(&error))
    }

    /// Writes out the rejects and returns their file, if there were any.
    fn finish(mut self) -> Result<Option<PathBuf>, Failure> {
        let flushed = self.rejects.flush();
        flushed.map_err(|error| self.unwritten(&error))?;
        Ok((self.rejects.count() > 0).then(|| self.rejects.path().to_owned()))
    }

    fn unwritten(&self, error: &std::io::Error) -> Failure {
        Failure::Failed(format!("{}: {error}", self.rejects.path().display()))
    }
}
