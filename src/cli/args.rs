//! Arguments and progress bars that commands share.

use chrono::NaiveDate;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::failure::Failure;
pub use crate::clock::span;
use crate::clock::{DAY, Timestamp};

/// Returns the instants from the first day up to the end of the last one, exclusive; `None` without days. A day that is not given
/// is no limit.
pub fn range_of_days(
    from: Option<NaiveDate>,
    to: Option<NaiveDate>,
) -> Result<Option<(Timestamp, Timestamp)>, Failure> {
    if let (Some(from), Some(to)) = (from, to)
        && from > to
    {
        return Err(Failure::Usage(format!("--from {from} --to {to}: the range ends before it begins")));
    }
    if from.is_none() && to.is_none() {
        return Ok(None);
    }
    let begin = from.map_or(Timestamp::MIN, Timestamp::midnight);
    let end = to.map_or(Timestamp::MAX, |to| Timestamp::midnight(to).plus(DAY));
    Ok(Some((begin, end)))
}

/// Returns a progress bar, which is visible on a terminal only.
pub fn bar(prefix: &str, length: u64, bytes: bool) -> ProgressBar {
    let template = if bytes {
        "{prefix:>14} {wide_bar} {bytes}/{total_bytes} {eta}"
    } else {
        "{prefix:>14} {wide_bar} {human_pos}/{human_len} {per_sec} {eta}"
    };
    let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    // indicatif draws nothing if standard error is not a terminal.
    let bar = ProgressBar::with_draw_target(Some(length), ProgressDrawTarget::stderr_with_hz(10));
    bar.with_style(style).with_prefix(prefix.to_owned())
}
