//! Metrics: the page, the endpoint, the alerts and the dashboard name the same ones.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use thermocline::ops::metrics::catalogue::{Kind, METRICS, Metric, find};

use crate::serve::Serving;
use crate::support::postgres;
use crate::support::waiting::{finish, output, until};

const RULES: &str = "deploy/prometheus/thermocline.rules.yml";
const DASHBOARD: &str = "deploy/grafana/thermocline.json";

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn file(name: &str) -> String {
    fs::read_to_string(root().join(name)).expect("a file of the repository")
}

/// Prometheus' own tool, where it is installed or where `scripts/ci` puts it.
fn promtool() -> Option<PathBuf> {
    let folders = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&folders).chain([root().join("target/tools")]);
    let found = folders.map(|folder| folder.join("promtool")).find(|tool| tool.is_file());
    if found.is_none() {
        eprintln!("SKIPPED: promtool is not installed (Debian's package prometheus has it)");
    }
    found
}

/// A row of the page.
fn row(Metric { name, kind, labels, help }: &Metric) -> String {
    let labels: Vec<String> = labels.iter().map(|label| format!("`{label}`")).collect();
    format!("| `{name}` | {} | {} | {help} |", kind.name(), labels.join(", "))
}

#[test]
fn the_page_has_a_row_for_each_metric() {
    let page = file("docs/reference/metrics.md");
    let written: BTreeSet<&str> = page.lines().filter(|line| line.starts_with("| `")).collect();
    let rows: Vec<String> = METRICS.iter().map(row).collect();
    let expected: BTreeSet<&str> = rows.iter().map(String::as_str).collect();
    let missing: Vec<_> = expected.difference(&written).collect();
    let unknown: Vec<_> = written.difference(&expected).collect();
    assert!(missing.is_empty() && unknown.is_empty(), "missing: {missing:#?}\nunknown: {unknown:#?}");
    assert_eq!(expected.len(), METRICS.len(), "a metric is listed twice");
}

#[test]
fn every_metric_of_the_code_is_in_the_catalogue() {
    fn walk(folder: &Path, unknown: &mut Vec<String>) {
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                walk(&path, unknown);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).expect("a source file");
                // The constants that name metrics, wherever they stand.
                let lines = text.lines().filter(|line| line.contains("const "));
                let names =
                    lines.filter_map(|line| line.split("= \"").nth(1)?.split_once('"')).map(|(name, _)| name);
                // Neither a table nor the beginning of other names.
                let is_other = |name: &str| name == "thermocline_probe" || name.ends_with('_');
                let names = names.filter(|name| name.starts_with("thermocline_") && !is_other(name));
                unknown.extend(names.filter(|name| find(name).is_none()).map(str::to_owned));
            }
        }
    }
    let mut unknown = Vec::new();
    for folder in ["src", "crates"] {
        walk(&root().join(folder), &mut unknown);
    }
    assert!(unknown.is_empty(), "src/ops/metrics/catalogue.rs lacks {unknown:?}");
}

/// A series of the endpoint: its name and its labels.
fn series(line: &str) -> (&str, Vec<&str>) {
    let name = line.split(['{', ' ']).next().unwrap_or_default();
    let labels =
        line.split_once('{').map_or("", |(_, rest)| rest.rsplit_once('}').map_or("", |(labels, _)| labels));
    let labels = labels.split("\",").filter_map(|label| label.split_once('=')).map(|(label, _)| label);
    (name, labels.collect())
}

/// The metric that a series belongs to: a histogram has three kinds of them.
fn metric_of(name: &str) -> Option<&'static Metric> {
    let of_histogram = ["_bucket", "_sum", "_count"].iter().find_map(|end| name.strip_suffix(end));
    find(name).or_else(|| find(of_histogram?).filter(|metric| metric.kind == Kind::Histogram))
}

#[tokio::test]
async fn the_endpoint_has_the_metrics_of_the_catalogue() {
    let environment =
        [("THERMOCLINE_ARCHIVE_SCHEDULE", "0 0 29 2 *"), ("THERMOCLINE_ARCHIVE_AUDIT_RATE", "100000")];
    let serving = Serving::empty(&environment);
    let token = Serving::token();
    for path in ["/api/posts", "/api/stocks", "/nothing"] {
        serving.get(path, &format!("authorization: Bearer {token}\r\n"));
    }
    let mut text = String::new();
    until("the background has sampled rows and servers", async || {
        let answer = serving.get("/metrics", "");
        text = answer.split_once("\r\n\r\n").expect("a body").1.to_owned();
        ["thermocline_cold_table_bytes{", "thermocline_cold_epoch_lag{", "thermocline_archive_due_rows{"]
            .iter()
            .all(|series| text.contains(series))
    })
    .await;
    let mut described: BTreeMap<&str, [&str; 2]> = BTreeMap::new();
    for (place, start) in ["# TYPE ", "# HELP "].into_iter().enumerate() {
        for (name, rest) in text.lines().filter_map(|line| line.strip_prefix(start)?.split_once(' ')) {
            described.entry(name).or_default()[place] = rest;
        }
    }
    let expected = METRICS.iter().map(|metric| (metric.name, [metric.kind.name(), metric.help])).collect();
    assert_eq!(described, expected);
    for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let (name, labels) = series(line);
        let metric = metric_of(name).unwrap_or_else(|| panic!("not in the catalogue: {line}"));
        for label in labels.iter().filter(|label| **label != "le") {
            assert!(metric.labels.contains(label), "a label that the catalogue does not name: {line}");
        }
    }
    for expected in [
        "thermocline_build_info{version=",
        "thermocline_http_answer_seconds_count{tiers=\"hot\"} ",
        "thermocline_pool_connections_max{tier=\"cold\",server=\"primary\",pool=\"connections\"} ",
        "thermocline_tier_up{tier=\"hot\",server=\"primary\"} 1",
        "thermocline_tier_up{tier=\"cold\",server=\"primary\"} 1",
        "thermocline_pool_wait_seconds_count{tier=\"hot\",pool=\"connections\"} ",
        "thermocline_cold_epoch_lag{resource=\"posts\",server=\"primary\"} 0",
        "thermocline_cold_table_rows{table=\"archive_head\"} 3",
        "thermocline_archive_runs_total{resource=\"posts\",outcome=\"done\"} 0",
        "thermocline_sign_ins_failed_total 0",
    ] {
        assert!(text.lines().any(|line| line.starts_with(expected)), "{expected}: {text}");
    }
    let Some(promtool) = promtool() else { return };
    let mut check = Command::new(promtool);
    check.args(["check", "metrics"]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut check = check.spawn().expect("promtool");
    check.stdin.take().expect("its input").write_all(text.as_bytes()).expect("written");
    let ended = finish(check);
    let said = [ended.stdout, ended.stderr].concat();
    assert!(ended.status.success() && said.is_empty(), "{}", String::from_utf8_lossy(&said));
}

#[tokio::test]
async fn the_servers_and_tables_of_postgres_are_sampled() {
    let Some(cold) = postgres::database().await else { return };
    // The first replica is the primary itself; nobody listens at the address of the second.
    let replicas = format!("{cold},postgres://thermocline@127.0.0.1:9/thermocline");
    let serving = Serving::empty(&[
        ("HOT_DATABASE_URL", "sqlite:hot.sqlite3"),
        ("COLD_DATABASE_URL", &cold),
        ("COLD_DATABASE_REPLICA_URLS", &replicas),
        ("THERMOCLINE_MIGRATE", "auto"),
    ]);
    let expected = [
        "thermocline_tier_up{tier=\"cold\",server=\"primary\"} 1",
        "thermocline_tier_up{tier=\"cold\",server=\"replica-1\"} 1",
        "thermocline_tier_up{tier=\"cold\",server=\"replica-2\"} 0",
        "thermocline_cold_epoch_lag{resource=\"posts\",server=\"replica-1\"} 0",
        "thermocline_pool_connections{tier=\"cold\",server=\"replica-1\",pool=\"readers\"} ",
        "thermocline_pool_connections_max{tier=\"cold\",server=\"primary\",pool=\"sessions\"} ",
        "thermocline_pool_wait_seconds_count{tier=\"cold\",pool=\"readers\"} ",
        "thermocline_cold_table_rows{table=\"archive_head\"} ",
        "thermocline_cold_table_bytes{table=\"messages_archive\"} ",
        "thermocline_archive_due_rows{resource=\"messages\"} 0",
    ];
    until("everything is sampled", async || {
        let answer = serving.get("/metrics", "");
        let has_all = expected.iter().all(|line| answer.contains(&format!("\n{line}")));
        if !has_all {
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        has_all
    })
    .await;
}

/// The words of an expression or file that are names of metrics.
fn named(text: &str) -> BTreeSet<&str> {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    words.filter(|word| word.starts_with("thermocline_") || word.starts_with("process_")).collect()
}

#[test]
fn alerts_and_dashboard_name_metrics_that_exist() {
    for name in [RULES, DASHBOARD] {
        let text = file(name);
        let named = named(&text);
        assert!(named.len() > 10, "{name}: {named:?}");
        let unknown: Vec<_> = named.iter().filter(|metric| metric_of(metric).is_none()).collect();
        assert!(unknown.is_empty(), "{name}: {unknown:?}");
    }
}

#[test]
fn the_dashboard_shows_every_metric_of_the_archive() {
    let text = file(DASHBOARD);
    let named = named(&text);
    for metric in METRICS.iter().filter(|metric| metric.name.starts_with("thermocline_archive_")) {
        let shown = named.iter().any(|name| metric_of(name).is_some_and(|shown| shown.name == metric.name));
        assert!(shown, "{DASHBOARD}: {}", metric.name);
    }
    let dashboard: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    for panel in dashboard["panels"].as_array().expect("panels") {
        assert!(panel["title"].is_string() && panel["gridPos"]["w"].is_number(), "{panel}");
    }
}

#[test]
fn every_alert_has_a_heading_and_a_test() {
    let (rules, guide) = (file(RULES), file("docs/operating.md"));
    let tests = file("deploy/prometheus/thermocline.test.yml");
    let after = |text: &str, key: &str| -> Vec<String> {
        text.lines()
            .filter_map(|line| line.trim_start().strip_prefix(key))
            .map(|rest| rest.trim().to_owned())
            .collect()
    };
    let alerts = after(&rules, "- alert:");
    let runbooks = after(&rules, "runbook:");
    assert!(alerts.len() > 15 && alerts.len() == runbooks.len(), "{alerts:?} {runbooks:?}");
    for (alert, runbook) in alerts.iter().zip(runbooks) {
        assert_eq!(runbook, format!("docs/operating.md#{}", alert.to_lowercase()));
        assert!(guide.contains(&format!("\n### {alert}\n\n")), "docs/operating.md has no heading {alert}");
        assert!(tests.contains(&format!("- alertname: {alert}\n")), "no test lets {alert} fire");
    }
}

#[test]
fn the_alerts_fire_when_they_should() {
    let Some(promtool) = promtool() else { return };
    let folder = root().join("deploy/prometheus");
    for arguments in [["check", "config", "prometheus.yml"], ["test", "rules", "thermocline.test.yml"]] {
        let ended = output(Command::new(&promtool).current_dir(&folder).args(arguments));
        let said = [ended.stdout, ended.stderr].concat();
        assert!(ended.status.success(), "{}", String::from_utf8_lossy(&said));
    }
}
