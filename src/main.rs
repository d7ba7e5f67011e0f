//! The `thermocline` program. Its code is in the library.

use std::process::ExitCode;

/// Returns memory to the system after a burst of large responses, which the default allocator keeps.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[tokio::main]
async fn main() -> ExitCode {
    thermocline::cli::run().await
}
