//! The body of a response on its way to the client.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use axum::body::{Body, Bytes};
use axum::response::Response;
use http::HeaderValue;
use http::header::CONTENT_TYPE;
use http_body::{Frame, SizeHint};
use tokio::time::Instant;
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

use super::activity::InProgress;

/// A body that counts as a request in progress until it is sent.
#[derive(Debug)]
pub struct Sending {
    body: Body,
    in_progress: Option<InProgress>,
    /// Ends the body when the server stops.
    stopping: Option<Pin<Box<WaitForCancellationFutureOwned>>>,
}

impl Sending {
    /// Returns a response whose body counts as `in_progress`. A stream of events, which has no end of its own, ends when
    /// the server stops: its clients connect again and go on where they were.
    pub fn response(
        response: Response,
        in_progress: InProgress,
        stopping: &CancellationToken,
    ) -> http::Response<Self> {
        let is_endless = response.headers().get(CONTENT_TYPE).is_some_and(is_event_stream);
        let stopping = is_endless.then(|| Box::pin(stopping.clone().cancelled_owned()));
        response.map(|body| Self { body, in_progress: Some(in_progress), stopping })
    }
}

fn is_event_stream(content_type: &HeaderValue) -> bool {
    content_type.as_bytes().starts_with(b"text/event-stream")
}

impl http_body::Body for Sending {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        if let Some(in_progress) = &self.in_progress {
            in_progress.asked_for();
        }
        if let Some(stopping) = &mut self.stopping
            && stopping.as_mut().poll(cx).is_ready()
        {
            self.in_progress = None;
            return Poll::Ready(None);
        }
        let frame = ready!(Pin::new(&mut self.body).poll_frame(cx));
        if !matches!(frame, Some(Ok(_))) {
            self.in_progress = None;
        } else if let Some(in_progress) = &self.in_progress
            && !self.body.is_end_stream()
        {
            in_progress.handed_over(Instant::now());
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
