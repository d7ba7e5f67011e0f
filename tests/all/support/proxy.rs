//! A door in front of a server, to be shut in every way a network can fail.

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// How the way to the server is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Door {
    /// Open.
    Open,
    /// Connections break off, and new ones at once.
    Cut,
    /// Nobody listens.
    Refusing,
    /// What is sent is lost, and nobody says so.
    Silent,
}

/// Connections to a port of this machine, led on to a server.
pub struct Proxy {
    pub port: u16,
    door: watch::Sender<Door>,
    serving: JoinHandle<()>,
}

impl Proxy {
    /// An open door before `to`, as `host:port`.
    pub async fn before(to: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        let (door, seen) = watch::channel(Door::Open);
        Self { port, door, serving: tokio::spawn(serve(listener, port, to, seen)) }
    }

    /// Opens or shuts the door.
    pub fn set(&self, door: Door) {
        self.door.send_replace(door);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn serve(mut listener: TcpListener, port: u16, to: String, mut door: watch::Receiver<Door>) {
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
                if *door.borrow_and_update() == Door::Refusing {
                    drop(listener);
                    if door.wait_for(|door| *door != Door::Refusing).await.is_err() {
                        return;
                    }
                    listener = TcpListener::bind(("127.0.0.1", port)).await.expect("the same port");
                }
            }
        }
    }
}

/// Carries bytes both ways while the door is open. A connection that was shut out once stays so.
async fn lead(mut client: TcpStream, to: String, mut door: watch::Receiver<Door>) {
    let state = *door.borrow_and_update();
    let Ok(mut server) = TcpStream::connect(&to).await else { return };
    if state == Door::Open {
        tokio::select! {
            _ = tokio::io::copy_bidirectional(&mut client, &mut server) => return,
            _ = door.changed() => {}
        }
    }
    let _ = door.wait_for(|door| *door != Door::Silent).await;
}
