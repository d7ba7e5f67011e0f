//! The report: a table, JSON, and plots.

use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};
use thermocline_testing::bench::quantile;

use super::Result;
use super::cases::{Measured, Walk};
use super::load::CONNECTIONS;
use super::pair::Pair;

/// The folder of the report, below the one of cargo.
const FOLDER: &str = "target/bench";

/// The measurements so far.
pub struct Report {
    table: String,
    json: Value,
    depths: Vec<(f64, f64)>,
    first: Vec<(f64, f64)>,
    median_by_load: Vec<(f64, f64)>,
    high_by_load: Vec<(f64, f64)>,
    engines: String,
}

/// The peak of a read: answers in a second, of the program and of handlers that write the same JSON or return its bytes.
pub struct Peak {
    pub name: &'static str,
    pub ours: f64,
    pub bytes: f64,
    pub serialised: f64,
    /// Seconds of the program's processor time a request.
    pub processor: f64,
    /// MB.
    pub resident: f64,
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

impl Report {
    pub fn new(pair: &Pair) -> Self {
        let mut table = format!("{}; latencies in ms\n\n", pair.engines);
        table += "| read | p50 | p99 | bare query | ratio | by sqlx | ratio | same bytes by axum | ratio | bytes |\n|---|---|---|---|---|---|---|---|---|---|\n";
        Self {
            table,
            json: json!({ "engines": pair.engines, "cases": [], "peaks": [], "load": [] }),
            depths: vec![],
            first: vec![],
            median_by_load: vec![],
            high_by_load: vec![],
            engines: pair.engines.clone(),
        }
    }

    fn push(&mut self, list: &str, value: Value) {
        if let Some(list) = self.json[list].as_array_mut() {
            list.push(value);
        }
    }

    pub fn case(&mut self, measured: Measured) {
        let Measured { name, ours, bare, by_sqlx, bytes, size } = measured;
        let [p50, bare, bytes] = [&ours, &bare, &bytes].map(|times| milliseconds(quantile(times, 0.5)));
        let by_sqlx = (!by_sqlx.is_empty()).then(|| milliseconds(quantile(&by_sqlx, 0.5)));
        let sqlx = by_sqlx.map_or(" | ".to_owned(), |sqlx| format!("{sqlx:.3} | {:.2}", p50 / sqlx));
        let p99 = milliseconds(quantile(&ours, 0.99));
        let (to_bare, to_bytes) = (p50 / bare, p50 / bytes);
        let row = format!(
            "| {name} | {p50:.3} | {p99:.3} | {bare:.3} | {to_bare:.2} | {sqlx} | {bytes:.3} | {to_bytes:.2} | {size} |"
        );
        eprintln!("{row}");
        // Writing into a String cannot fail.
        let _ = writeln!(self.table, "{row}");
        self.push(
            "cases",
            json!({ "name": name, "p50": p50, "p99": p99, "bare": bare, "by_sqlx": by_sqlx, "bytes": bytes, "size": size }),
        );
    }

    pub fn depths(&mut self, depths: Vec<(i64, Duration, Duration)>) {
        self.table += "\n| rows above a numbered page | warm | first |\n|---|---|---|\n";
        for (rows, warm, first) in depths {
            let (warm, first) = (milliseconds(warm), milliseconds(first));
            let _ = writeln!(self.table, "| {rows} | {warm:.3} | {first:.3} |");
            self.depths.push((rows as f64, warm));
            self.first.push((rows as f64, first));
        }
        self.json["depths"] = json!(self.depths);
    }

    pub fn idle(&mut self, started: Duration, resident: f64) {
        let started = milliseconds(started);
        let _ = writeln!(self.table, "\nStart to first answer {started:.0} ms, {resident:.0} MB resident.");
        self.json["start_ms"] = json!(started);
        self.json["resident_mb"] = json!(resident);
    }

    pub fn peak(&mut self, peak: &Peak) {
        let Peak { name, ours, bytes, serialised, processor, resident } = peak;
        let _ = writeln!(
            self.table,
            "Peak of the {name}, {CONNECTIONS} connections: {ours:.0}/s, {:.2} of an axum handler that writes the same JSON with serde, \
             {:.2} of one that returns its bytes; {:.0} µs of processor a request, {resident:.0} MB resident.",
            ours / serialised,
            ours / bytes,
            processor * 1e6,
        );
        self.push(
            "peaks",
            json!({ "name": name, "ours": ours, "serialised": serialised, "bytes": bytes, "processor_us": processor * 1e6,
                    "resident_mb": resident }),
        );
    }

    pub fn walk(&mut self, walk: &Walk) {
        let Walk { rows, ours, bare, by_sqlx } = walk;
        let sqlx = by_sqlx.map_or(String::new(), |sqlx| format!(", {:.2} of those by sqlx", ours / sqlx));
        let _ = writeln!(
            self.table,
            "\nWalk by cursor through {rows} rows: {ours:.0} rows a second, {:.2} of bare queries by key{sqlx}.",
            ours / bare
        );
        self.json["walk"] = json!({ "rows": rows, "ours": ours, "bare": bare, "by_sqlx": by_sqlx });
    }

    pub fn connections(&mut self, open: usize, resident: f64) {
        let _ = writeln!(self.table, "\nWith {open} idle connections: {resident:.0} MB resident.");
        self.json["connections"] = json!({ "open": open, "resident_mb": resident });
    }

    /// Adds the latencies of answers and the share of requests without one.
    pub fn load(&mut self, part: f64, latencies: &[Duration], failed: f64) {
        if self.median_by_load.is_empty() {
            self.table += "\n| load, of the first peak | p50 | p99 | p99 / p50 | without an answer |\n|---|---|---|---|---|\n";
        }
        let [p50, p99] = [0.5, 0.99].map(|part| milliseconds(quantile(latencies, part)));
        let _ = writeln!(
            self.table,
            "| {part} | {p50:.3} | {p99:.3} | {:.1} | {:.1} % |",
            p99 / p50,
            failed * 100.0
        );
        self.median_by_load.push((part * 100.0, p50));
        self.high_by_load.push((part * 100.0, p99));
        self.push("load", json!({ "part": part, "p50": p50, "p99": p99, "failed": failed }));
    }

    /// Prints the table and writes the files.
    pub fn write(self) -> Result<()> {
        println!("{}", self.table);
        let folder = Path::new(FOLDER);
        std::fs::create_dir_all(folder)?;
        std::fs::write(folder.join("report.json"), serde_json::to_string_pretty(&self.json)?)?;
        let depth = [("warm", &self.depths[..]), ("first", &self.first[..])];
        let title = |of: &str| format!("{of} ({})", self.engines);
        std::fs::write(
            folder.join("latency-by-depth.svg"),
            plot(&title("Numbered page, ms by rows above it"), true, &depth),
        )?;
        let load = [("p50", &self.median_by_load[..]), ("p99", &self.high_by_load[..])];
        std::fs::write(
            folder.join("latency-by-load.svg"),
            plot(&title("Newest page, ms by percent of the peak"), false, &load),
        )?;
        Ok(())
    }
}

/// Draws lines of points.
fn plot(title: &str, logarithmic: bool, lines: &[(&str, &[(f64, f64)])]) -> String {
    const WIDTH: f64 = 640.0;
    const HEIGHT: f64 = 320.0;
    const EDGE: f64 = 48.0;
    const COLOURS: [&str; 2] = ["#2563eb", "#dc2626"];
    let points = || lines.iter().flat_map(|(_, points)| points.iter());
    let along = |x: f64| if logarithmic { (x + 1.0).log10() } else { x };
    let widest = points().map(|(x, _)| along(*x)).fold(f64::MIN_POSITIVE, f64::max);
    let highest = points().map(|(_, y)| *y).fold(f64::MIN_POSITIVE, f64::max);
    let x = |value: f64| EDGE + along(value) / widest * (WIDTH - 2.0 * EDGE);
    let y = |value: f64| HEIGHT - EDGE - value / highest * (HEIGHT - 2.0 * EDGE);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" font-family=\"sans-serif\" font-size=\"11\">\
         <rect width=\"100%\" height=\"100%\" fill=\"white\"/><text x=\"{EDGE}\" y=\"20\" font-size=\"13\">{title}</text>\
         <path d=\"M{EDGE} {EDGE}V{0}H{1}\" fill=\"none\" stroke=\"#888\"/>\n",
        HEIGHT - EDGE,
        WIDTH - EDGE
    );
    let text =
        |at_x: f64, at_y: f64, text: String| format!("<text x=\"{at_x:.0}\" y=\"{at_y:.0}\">{text}</text>\n");
    svg += &text(8.0, EDGE + 4.0, format!("{highest:.2}"));
    svg += &text(8.0, HEIGHT - EDGE, "0".to_owned());
    for (value, _) in lines.first().map_or(&[][..], |(_, points)| points) {
        svg += &text(x(*value) - 8.0, HEIGHT - EDGE + 16.0, format!("{value:.0}"));
    }
    for ((name, points), colour) in lines.iter().zip(COLOURS) {
        let path: Vec<String> =
            points.iter().map(|(at, ms)| format!("{:.1},{:.1}", x(*at), y(*ms))).collect();
        let _ = writeln!(
            svg,
            "<polyline points=\"{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"/>",
            path.join(" ")
        );
        if let Some((at, ms)) = points.last() {
            let _ = writeln!(
                svg,
                "<text x=\"{:.0}\" y=\"{:.0}\" fill=\"{colour}\">{name}</text>",
                x(*at) + 6.0,
                y(*ms)
            );
        }
    }
    svg + "</svg>\n"
}
