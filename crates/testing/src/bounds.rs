//! Bounds of tests that prove more the longer they run.
//!
//! `cargo test` and nextest's profile `full` run every test with its full bounds. Nextest's default profile is the fast
//! lane: the same tests with quick bounds, and fewer tests (see `.config/nextest.toml`). An environment variable
//! overrides both.

/// Returns the number in `variable`; without it `quick` in the fast lane, and `full` elsewhere.
pub fn bound(variable: &str, full: u64, quick: u64) -> u64 {
    let default = if is_fast_lane() { quick } else { full };
    match std::env::var(variable) {
        Ok(text) => text.parse().unwrap_or_else(|_| panic!("{variable}: expected a number")),
        Err(_) => default,
    }
}

/// Returns whether this is the fast lane.
pub fn is_fast_lane() -> bool {
    std::env::var("NEXTEST_PROFILE").is_ok_and(|profile| profile == "default")
}
