//! The `thermocline` program. Its code is in the library.

use std::process::ExitCode;
use std::time::Duration;

use tokio::runtime::Runtime;

/// Returns memory to the system after a burst of large responses, which the default allocator keeps.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The time for blocking work, such as a look-up of a name, after the command has ended.
const SHUTDOWN: Duration = Duration::from_secs(1);

fn main() -> ExitCode {
    // Each small need of a thread would take 2 MB. It works without, so an error changes nothing.
    #[cfg(target_os = "linux")]
    let _ = rustix::thread::disable_transparent_huge_pages(true);
    let runtime = match Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("error: no threads can be started: {error}");
            return ExitCode::FAILURE;
        }
    };
    let status = runtime.block_on(thermocline::cli::run());
    runtime.shutdown_timeout(SHUTDOWN);
    status
}
