//! The `thermocline` program. Its code is in the library.

use std::process::ExitCode;
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};

/// Returns memory to the system after a burst of large responses, which the default allocator keeps.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The time for blocking work, such as a look-up of a name, after the command has ended.
const SHUTDOWN: Duration = Duration::from_secs(1);

/// Events of sockets that a thread takes at once. With the usual 1,024, more connections become ready than the queue of a thread holds,
/// and the rest goes into the queue of all threads. There a request whose rows SQLite has read would wait behind thousands of
/// refused ones.
const SOCKETS_AT_ONCE: usize = 16;
/// Tasks after which a thread looks into the queue of all threads.
const LOOK_FOR_OTHERS_AFTER: u32 = 4;

fn runtime() -> std::io::Result<Runtime> {
    Builder::new_multi_thread()
        .enable_all()
        .max_io_events_per_tick(SOCKETS_AT_ONCE)
        .global_queue_interval(LOOK_FOR_OTHERS_AFTER)
        .build()
}

fn main() -> ExitCode {
    // Each small need of a thread would take 2 MB. It works without, so an error changes nothing.
    #[cfg(target_os = "linux")]
    let _ = rustix::thread::disable_transparent_huge_pages(true);
    let runtime = match runtime() {
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
