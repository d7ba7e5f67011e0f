//! A proxy in front of a server that fails in the ways a network can fail.

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// State of the connection to the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Link {
    Open,
    /// Connections are closed, new ones at once.
    Cut,
    /// Connections are refused.
    Refusing,
    /// Data is discarded without an error.
    Silent,
}

/// A proxy on a port of this machine.
pub struct Proxy {
    pub port: u16,
    door: watch::Sender<Link>,
    serving: JoinHandle<()>,
}

impl Proxy {
    /// Starts an open proxy for `to`, as `host:port`.
    pub async fn before(to: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        let (door, seen) = watch::channel(Link::Open);
        Self { port, door, serving: tokio::spawn(serve(listener, port, to, seen)) }
    }

    /// Sets the state.
    pub fn set(&self, door: Link) {
        self.door.send_replace(door);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn serve(mut listener: TcpListener, port: u16, to: String, mut door: watch::Receiver<Link>) {
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let (client, _) = accepted.expect("a connection");
                tokio::spawn(lead(client, to.clone(), door.clone()));
            }
            changed = door.changed() => {
                if changed.is_err() {
                    return;
                }
                if *door.borrow_and_update() == Link::Refusing {
                    drop(listener);
                    if door.wait_for(|door| *door != Link::Refusing).await.is_err() {
                        return;
                    }
                    listener = TcpListener::bind(("127.0.0.1", port)).await.expect("the same port");
                }
            }
        }
    }
}

/// Copies data in both directions while the proxy is open. A connection that was interrupted stays so.
async fn lead(mut client: TcpStream, to: String, mut door: watch::Receiver<Link>) {
    let state = *door.borrow_and_update();
    let Ok(mut server) = TcpStream::connect(&to).await else { return };
    if state == Link::Open {
        tokio::select! {
            _ = tokio::io::copy_bidirectional(&mut client, &mut server) => return,
            _ = door.changed() => {}
        }
    }
    let _ = door.wait_for(|door| *door != Link::Silent).await;
}
