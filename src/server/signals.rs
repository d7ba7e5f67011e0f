//! Signals: the first stop signal ends the program in order, the second at once. SIGHUP does nothing.

/// The exit status after a second stop signal: that of a process ended by SIGINT.
const ENDED_AT_ONCE: i32 = 130;

/// Resolves at SIGTERM or ctrl-c. Signals count from the call on, not from the first poll: one that comes in between would
/// otherwise be lost if the process has another handler already.
#[cfg(unix)]
pub fn stop_signal() -> impl Future<Output = ()> + Send + 'static {
    use tokio::signal::unix::{SignalKind, signal};

    let [interrupt, terminate] = [SignalKind::interrupt(), SignalKind::terminate()].map(|kind| {
        let signal = signal(kind);
        async move {
            // Without a handler the signal ends the process by itself.
            match signal {
                Ok(mut signal) => drop(signal.recv().await),
                Err(_) => std::future::pending().await,
            }
        }
    });
    async move {
        tokio::select! {
            () = interrupt => {}
            () = terminate => {}
        }
    }
}

/// Resolves at ctrl-c.
#[cfg(not(unix))]
pub async fn stop_signal() {
    // Without a handler the signal ends the process by itself.
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}

/// Resolves at the first stop signal from the call on. A second one ends the process at once: moves are safe to interrupt at
/// any point.
pub fn stop_signal_once() -> impl Future<Output = ()> + Send + 'static {
    let first = stop_signal();
    async move {
        first.await;
        tracing::info!("stopping; a second signal ends the program at once");
        tokio::spawn(async {
            stop_signal().await;
            tracing::warn!("ended at once by a second signal");
            std::process::exit(ENDED_AT_ONCE);
        });
    }
}

/// Ignores SIGHUP, which otherwise ends the process: there is nothing to reload.
pub fn ignore_hangup() {
    #[cfg(unix)]
    if let Ok(mut hangup) = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::hangup()) {
        tokio::spawn(async move {
            while hangup.recv().await.is_some() {
                tracing::info!("SIGHUP is ignored: settings are read at start");
            }
        });
    }
}
