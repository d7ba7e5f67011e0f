//! The server for operators: probes and metrics at an address of their own.

use std::future::pending;

use tokio::net::TcpListener;

use super::failure::Failure;
use crate::server::refusal::Refusals;
use crate::server::{self, Limits};
use crate::web::base_path::BasePath;
use crate::web::state::App;

/// Connections of operators' tools at most.
const CONNECTIONS: usize = 256;

/// Serves probes and metrics until the program ends. It has a thread of its own, so that it answers while all others are
/// busy.
pub fn spawn(listener: TcpListener, app: App) -> Result<(), Failure> {
    let listener = listener.into_std().map_err(Failure::of)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(Failure::of)?;
    let serve = move || {
        runtime.block_on(async {
            match TcpListener::from_std(listener) {
                Ok(listener) => {
                    let limits = Limits { connections: CONNECTIONS, ..Limits::default() };
                    let refusals = Refusals::new(BasePath::default(), app.clock());
                    let router = server::ops_router(app);
                    server::listener::serve(listener, router, limits, refusals, pending()).await;
                }
                Err(error) => tracing::error!(%error, "probes and metrics are not served"),
            }
        });
    };
    std::thread::Builder::new().name("operators".to_owned()).spawn(serve).map(drop).map_err(Failure::of)
}
