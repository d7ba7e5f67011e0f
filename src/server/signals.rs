//! Signals: the first stop signal ends the program in order, the second at once. SIGHUP does nothing.

/// The exit status after a second stop signal: that of a process ended by SIGINT.
const ENDED_AT_ONCE: i32 = 130;

/// Resolves at SIGTERM or ctrl-c.
pub async fn stop_signal() {
    let interrupt = async {
        // Without a handler the signal ends the process by itself.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    };
    #[cfg(unix)]
    let terminate = async {
        match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
            Ok(mut signal) => drop(signal.recv().await),
            Err(_) => std::future::pending().await,
        }
    };
    #[cfg(not(unix))]
    let terminate = std::future::pending::<()>();
    tokio::select! {
        () = interrupt => {}
        () = terminate => {}
    }
}

/// Resolves at the first stop signal. A second one ends the process at once: moves are safe to interrupt at any point.
pub async fn stop_signal_once() {
    stop_signal().await;
    tracing::info!("stopping; a second signal ends the program at once");
    tokio::spawn(async {
        stop_signal().await;
        tracing::warn!("ended at once by a second signal");
        std::process::exit(ENDED_AT_ONCE);
    });
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
