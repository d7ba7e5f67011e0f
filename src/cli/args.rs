//! Arguments and progress bars that commands share.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

pub use crate::clock::span;

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
