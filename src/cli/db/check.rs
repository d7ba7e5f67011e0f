//! `thermocline db check`

use super::target::TierChoice;
use crate::cli::failure::Failure;
use crate::cli::output::print_all;
use crate::cli::tier_report::{TableSize, TierReport, inspect_tier};
use crate::config::Settings;

/// Compare the databases with the declared schema; changes nothing
///
/// Lists what is missing or differs: tables, columns, types and indexes, and obstacles to moving rows (triggers,
/// cascading foreign keys, unknown columns). Tables of other programs are ignored.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Exit status: 0 if there is no difference, 1 otherwise.

Examples:
  thermocline db check
  thermocline db check --tier cold --json")]
pub struct Args {
    /// The tier
    #[arg(long, value_enum, default_value = "both")]
    tier: TierChoice,
}

/// Runs the command.
pub async fn run(args: &Args, settings: &Settings, json: bool) -> Result<(), Failure> {
    let mut reports = Vec::new();
    for (tier, location) in args.tier.locations(settings)? {
        reports.push(inspect_tier(tier, location).await);
    }
    print_all(&reports, json, print)?;
    if reports.iter().all(|report| report.sound) { Ok(()) } else { Err(Failure::Reported) }
}

fn print(report: &TierReport) {
    let TierReport { tier, newest, expected, .. } = report;
    outln!("{tier}: {}", report.place);
    let line = |what: &str, text: String| outln!("  {what:<12} {text}");
    if let Some(server) = &report.server {
        let size = report.bytes.map_or_else(String::new, |bytes| format!(", {}", size(bytes)));
        line("server", format!("{server}{size}"));
    }
    if let Some(on) = report.snapshots {
        line("snapshots", if on { "on" } else { "FAIL off: `db upgrade` turns them on" }.to_owned());
    }
    match report.version {
        Some(version) if version > *newest => {
            line("version", format!("FAIL {version}, but this program knows {newest} only: it is too old"));
        }
        Some(version) if version < *newest => {
            let pending = report.pending.join(", ");
            line("version", format!("FAIL {version} of {newest}, pending: {pending}; run `db upgrade`"));
        }
        Some(version) => line("version", format!("{version} of {newest}")),
        None => {}
    }
    if report.server.is_some() {
        line("tables", format!("{} of {expected}", report.tables.len()));
    }
    for TableSize { table, rows, exact, bytes } in &report.tables {
        let rows = rows.map_or_else(
            || "rows not counted yet".to_owned(),
            |rows| format!("{}{rows} rows", if *exact { "" } else { "about " }),
        );
        let bytes = bytes.map_or_else(String::new, |bytes| format!(", {}", size(bytes)));
        outln!("    {table:<26} {rows}{bytes}");
    }
    if let Some(sorts) = report.sorts {
        let text = if sorts { "as in Rust" } else { "FAIL keys are not sorted as by this program" };
        line("sort order", text.to_owned());
    }
    if !report.epochs.is_empty() {
        let epochs = report.epochs.iter().map(|epoch| format!("{} {}", epoch.resource, epoch.epoch));
        line("epochs", epochs.collect::<Vec<_>>().join(", "));
    }
    if report.live == Some(true) {
        line("change feed", "on".to_owned());
    }
    for finding in &report.findings {
        line(if finding.fault { "FAIL" } else { "note" }, finding.text.clone());
    }
    if let Some(error) = &report.error {
        line("FAIL", error.clone());
    }
    if report.sound {
        line("sound", "no differences from the declaration".to_owned());
    }
}

fn size(bytes: i64) -> String {
    match bytes {
        0..1_000 => format!("{bytes} B"),
        1_000..1_000_000 => format!("{} kB", bytes / 1_000),
        _ => format!("{:.1} MB", bytes as f64 / 1e6),
    }
}
