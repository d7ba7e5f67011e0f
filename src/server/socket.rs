//! The socket of a connection, which notes when bytes pass.

use std::io::{self, IoSlice};
use std::net::Shutdown;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};

use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::Instant;

use super::activity::Activity;
use super::refusal::Refusals;

/// A socket. It is shared, because the connection may have a last word after the HTTP library is done with it.
#[derive(Debug)]
pub struct Socket {
    stream: Arc<TcpStream>,
    activity: Arc<Activity>,
    /// Whether the client has closed its side.
    ended: Arc<AtomicBool>,
    refusals: Refusals,
}

impl Socket {
    /// Returns the socket of a connection. `ended` is set when the client closes its side.
    pub fn new(
        stream: Arc<TcpStream>,
        activity: Arc<Activity>,
        ended: Arc<AtomicBool>,
        refusals: Refusals,
    ) -> Self {
        Self { stream, activity, ended, refusals }
    }

    fn poll_writing(
        &self,
        cx: &mut Context<'_>,
        mut write: impl FnMut(&TcpStream) -> io::Result<usize>,
    ) -> Poll<io::Result<usize>> {
        self.activity.writing();
        loop {
            let Poll::Ready(ready) = self.stream.poll_write_ready(cx) else {
                self.activity.stalled(Instant::now());
                return Poll::Pending;
            };
            ready?;
            match write(&self.stream) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                written => {
                    if let Ok(bytes) = written {
                        self.activity.wrote(bytes);
                    }
                    return Poll::Ready(written);
                }
            }
        }
    }

    /// Sends a problem instead of a bare refusal of the HTTP library. Returns whether it was sent.
    fn refused(&self, written: &[u8]) -> bool {
        let Some(problem) = self.refusals.instead_of(written) else { return false };
        // Nothing else is on its way to the client, so that there is room for it.
        self.stream.try_write(&problem).is_ok_and(|bytes| bytes == problem.len())
    }
}

impl AsyncRead for Socket {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        loop {
            ready!(self.stream.poll_read_ready(cx))?;
            // The buffers of thousands of open connections are nearly empty, and pages that are never written take no memory.
            match self.stream.try_read_buf(buf) {
                Ok(bytes) => {
                    if bytes == 0 {
                        self.ended.store(true, Ordering::Relaxed);
                    } else {
                        self.activity.read(Instant::now());
                    }
                    return Poll::Ready(Ok(()));
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
    }
}

impl AsyncWrite for Socket {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        if self.refused(buf) {
            return Poll::Ready(Ok(buf.len()));
        }
        self.poll_writing(cx, |stream| stream.try_write(buf))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if let [only] = bufs
            && self.refused(only)
        {
            return Poll::Ready(Ok(only.len()));
        }
        self.poll_writing(cx, |stream| stream.try_write_vectored(bufs))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.activity.flushed(Instant::now());
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(SockRef::from(&*self.stream).shutdown(Shutdown::Write))
    }
}
