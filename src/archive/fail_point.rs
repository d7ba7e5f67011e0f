//! Steps at which a test lets the process die as a power cut would: SIGKILL, no destructor, nothing flushed.
//!
//! `THERMOCLINE_TEST_DIE_AT=STEP` or `STEP:NTH` ends it when it comes to that step, or comes there for the nth time.
//! What reads the variable is compiled with debug assertions only, which `cargo test` has and a release has not. A feature
//! would do worse: tests would need a command of their own to have it, and `--all-features` would build it into a release.

/// The process has come to `step`.
#[cfg(not(debug_assertions))]
pub(super) const fn reached(_step: &str) {}

/// The process has come to `step`, and dies there when a test says so.
#[cfg(debug_assertions)]
pub(super) fn reached(step: &str) {
    use std::sync::LazyLock;
    use std::sync::atomic::{AtomicU32, Ordering};

    /// The step, and how often it is still come to.
    static LAST: LazyLock<Option<(String, AtomicU32)>> = LazyLock::new(|| {
        let named = std::env::var("THERMOCLINE_TEST_DIE_AT").ok()?;
        let (step, nth) = named.split_once(':').unwrap_or((&named, "1"));
        Some((step.to_owned(), AtomicU32::new(nth.parse().expect("THERMOCLINE_TEST_DIE_AT=STEP:NTH"))))
    });
    if let Some((last, left)) = &*LAST
        && last == step
        && left.fetch_sub(1, Ordering::SeqCst) == 1
    {
        // No safe call of the standard library sends a signal.
        let kill = format!("kill -KILL {}", std::process::id());
        let killed = std::process::Command::new("sh").args(["-c", &kill]).status();
        panic!("still alive after {kill}: {killed:?}");
    }
}
