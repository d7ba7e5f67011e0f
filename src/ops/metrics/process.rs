//! The metrics of the process, as client libraries of Prometheus name them. Read from `/proc`, so absent elsewhere than on
//! Linux.

use std::fmt::Write as _;
use std::fs;

use rustix::process::{Resource, getrlimit};

use super::catalogue::{find, write_description};

/// Ticks of a second in `/proc`, the same on every architecture that Rust's standard library supports.
const TICKS: f64 = 100.0;

/// Appends the metrics with their descriptions. Values that cannot be read are left out.
pub(super) fn write(text: &mut String) {
    for (name, value) in values() {
        if let Some(metric) = find(name) {
            write_description(text, metric);
            let _ = writeln!(text, "{name} {value}\n");
        }
    }
}

fn values() -> Vec<(&'static str, f64)> {
    let mut values = Vec::new();
    if let Some(stat) = fs::read_to_string("/proc/self/stat").ok().as_deref().and_then(fields) {
        // Counted from the state, the third field of proc(5): user and system time, threads, start, address space.
        let field = |place: usize| stat.get(place).and_then(|field| field.parse::<f64>().ok());
        let time = field(11).zip(field(12)).map(|(user, system)| (user + system) / TICKS);
        values.extend(time.map(|time| ("process_cpu_seconds_total", time)));
        values.extend(field(17).map(|threads| ("process_threads", threads)));
        values.extend(field(20).map(|bytes| ("process_virtual_memory_bytes", bytes)));
        let start = booted().zip(field(19)).map(|(booted, since)| booted + since / TICKS);
        values.extend(start.map(|start| ("process_start_time_seconds", start)));
    }
    values.extend(resident().map(|bytes| ("process_resident_memory_bytes", bytes)));
    // One of the entries is the folder itself.
    let open = fs::read_dir("/proc/self/fd").ok().map(|entries| entries.count().saturating_sub(1));
    values.extend(open.map(|open| ("process_open_fds", open as f64)));
    values.extend(getrlimit(Resource::Nofile).current.map(|most| ("process_max_fds", most as f64)));
    values
}

/// Returns the fields after the name of the program, which may hold spaces and parentheses.
fn fields(stat: &str) -> Option<Vec<&str>> {
    Some(stat.rsplit_once(')')?.1.split_whitespace().collect())
}

/// Returns when the machine was started, in seconds since 1970.
fn booted() -> Option<f64> {
    fs::read_to_string("/proc/stat")
        .ok()?
        .lines()
        .find_map(|line| line.strip_prefix("btime "))?
        .trim()
        .parse()
        .ok()
}

fn resident() -> Option<f64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kibibytes: f64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_the_program_may_hold_anything() {
        let stat = "7 (a) b (c) S 1 7 7 0 -1 4194560 1 2 3 4 150 50 0 0 20 0 9 0 1234 65536 12";
        let fields = fields(stat).expect("fields");
        assert_eq!(
            (fields[0], fields[11], fields[12], fields[17], fields[20]),
            ("S", "150", "50", "9", "65536")
        );
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn this_process_has_all_of_them() {
        let values = values();
        let names: Vec<&str> = values.iter().map(|(name, _)| *name).collect();
        for metric in
            super::super::catalogue::METRICS.iter().filter(|metric| metric.name.starts_with("process_"))
        {
            assert!(names.contains(&metric.name), "{}", metric.name);
        }
        let value = |name: &str| values.iter().find(|(found, _)| *found == name).expect("a value").1;
        assert!(value("process_resident_memory_bytes") > 1e6);
        assert!(value("process_start_time_seconds") > 1e9);
        assert!(value("process_open_fds") >= 3.0 && value("process_open_fds") <= value("process_max_fds"));
    }
}
