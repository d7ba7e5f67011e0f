//! The program: everything is in the library.

use std::process::ExitCode;

/// The system's allocator keeps what a burst of large answers took; this one gives it back.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[tokio::main]
async fn main() -> ExitCode {
    thermocline::cli::run().await
}
