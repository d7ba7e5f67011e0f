//! The mover of this process.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::archive::{BlockSizes, Mover};
use crate::cli::failure::Failure;
use crate::cli::tiers::Tiers;
use crate::clock::Clock;
use crate::server;

/// Returns a mover that `archive status` shows with the id of this process.
pub fn mover<'a>(tiers: &'a Tiers, clock: &'a Clock) -> Result<Mover<'a>, Failure> {
    Ok(Mover {
        hot: &*tiers.hot,
        cold: tiers.need_cold()?,
        clock,
        name: format!("process {}", std::process::id()),
        sizes: BlockSizes::default(),
    })
}

/// Returns a flag that the stop signal of the process sets. The current batch is finished first.
pub fn stop_on_signal() -> Arc<AtomicBool> {
    let stop = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&stop);
    let signal = server::stop_signal();
    tokio::spawn(async move {
        signal.await;
        flag.store(true, Ordering::Relaxed);
    });
    stop
}
