//! Values that several commands read.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::clock::DAY;

/// A time span such as `30d`, `12h`, `90m` or `45s`, in microseconds.
pub fn span(text: &str) -> Result<i64, String> {
    let fault = || "expected a number with d, h, m or s behind it, such as 30d".to_owned();
    let (number, unit) = text.split_at(text.len() - text.chars().next_back().map_or(0, char::len_utf8));
    let unit = match unit {
        "d" => DAY,
        "h" => DAY / 24,
        "m" => 60_000_000,
        "s" => 1_000_000,
        _ => return Err(fault()),
    };
    if !number.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(fault());
    }
    number.parse::<i64>().ok().and_then(|number| number.checked_mul(unit)).ok_or_else(fault)
}

/// A progress bar on a terminal, nothing elsewhere.
pub fn bar(what: &str, length: u64, bytes: bool) -> ProgressBar {
    let template = if bytes {
        "{prefix:>14} {wide_bar} {bytes}/{total_bytes} {eta}"
    } else {
        "{prefix:>14} {wide_bar} {human_pos}/{human_len} {per_sec} {eta}"
    };
    let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    // indicatif draws nothing when standard error is no terminal.
    let bar = ProgressBar::with_draw_target(Some(length), ProgressDrawTarget::stderr_with_hz(10));
    bar.with_style(style).with_prefix(what.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_has_a_unit() {
        assert_eq!(span("30d"), Ok(30 * DAY));
        assert_eq!(span("0s"), Ok(0));
        assert_eq!(span("90m"), Ok(5_400_000_000));
        for text in ["", "30", "d", "-1d", "1.5d", "9999999999999999d", "30日"] {
            assert!(span(text).is_err(), "{text}");
        }
    }
}
