//! Steps at which a test kills the process as a power cut would: by SIGKILL, without destructors or flushes.
//!
//! `THERMOCLINE_TEST_DIE_AT=STEP` or `STEP:NTH` kills it when it reaches that step for the first or the nth time.
//! The variable is read with debug assertions only, which `cargo test` has and a release has not. A feature would be worse:
//! tests would need a command of their own, and `--all-features` would build it into a release.

/// Notes that the process has reached `step`.
#[cfg(not(debug_assertions))]
pub const fn reached(_step: &str) {}

/// Notes that the process has reached `step`, and kills it there when a test asks for it.
#[cfg(debug_assertions)]
pub fn reached(step: &str) {
    use std::sync::LazyLock;
    use std::sync::atomic::{AtomicU32, Ordering};

    /// The step, and how often it is still to be reached.
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
