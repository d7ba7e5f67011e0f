//! Observes every statement that was answered: a span in traces, and a log line if it was slow.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::traces;
use crate::tier::Value;
use crate::tier::usage::{self, Asked};

/// The target of the lines, so that a log filter can name them.
const TARGET: &str = "thermocline::slow";

/// The shortest duration of a slow statement in microseconds.
static SLOW: AtomicU64 = AtomicU64::new(u64::MAX);

/// Logs statements that take at least `slow` from now on, and traces all of them.
pub fn watch(slow: Duration) {
    SLOW.store(u64::try_from(slow.as_micros()).unwrap_or(u64::MAX), Ordering::Relaxed);
    usage::observe(observe);
}

fn observe(asked: &Asked<'_>) {
    traces::observe(asked);
    if asked.waited < Duration::from_micros(SLOW.load(Ordering::Relaxed)) {
        return;
    }
    let millis = (asked.waited.as_secs_f64() * 1e6).round() / 1e3;
    tracing::info!(
        target: TARGET,
        statement = asked.statement,
        tier = asked.tier.name(),
        ms = millis,
        rows = asked.rows,
        parameters = shapes(asked.params),
        trace_id = traces::current_id(),
        "a slow statement"
    );
}

/// Returns the types of parameters, and the lengths of texts and lists. Values may be texts of users, so they stay out of the
/// log.
fn shapes(params: &[Value]) -> String {
    let shape = |param: &Value| match param {
        Value::Null(_) => "null".to_owned(),
        Value::Int(_) => "int".to_owned(),
        Value::Text(text) => format!("text of {}", text.chars().count()),
        Value::Time(_) => "time".to_owned(),
        Value::Date(_) => "date".to_owned(),
        Value::Price(_) => "price".to_owned(),
        Value::Bool(_) => "bool".to_owned(),
        Value::Bytes(bytes) => format!("{} bytes", bytes.len()),
        Value::Ints(list) => format!("{} ints", list.len()),
    };
    params.iter().map(shape).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_hold_no_value() {
        let params = [7_i64.into(), "geheim".into(), vec![1, 2, 3].into(), true.into()];
        assert_eq!(shapes(&params), "int, text of 6, 3 ints, bool");
        assert_eq!(shapes(&[]), "");
    }
}
