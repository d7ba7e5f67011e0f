//! Reaches a host that may have several addresses, some of which may be silent.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use futures::StreamExt as _;
use futures::stream::FuturesUnordered;

/// The order and limits in which addresses are tried.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    /// The head start of an address before the next one is tried beside it.
    pub head_start: Duration,
    /// The time limit of one address.
    pub limit: Duration,
}

/// One after the other, as RFC 8305, section 5, recommends.
pub(crate) const IN_ORDER: Pace =
    Pace { head_start: Duration::from_millis(250), limit: Duration::from_secs(5) };
/// All at once.
pub(crate) const AT_ONCE: Pace = Pace { head_start: Duration::ZERO, ..IN_ORDER };

/// Connects to the first of `addresses` that answers.
///
/// # Errors
/// The first error, if no address answers.
pub(crate) async fn first<T, E, F>(
    addresses: impl IntoIterator<Item = SocketAddr>,
    pace: Pace,
    connect: impl Fn(SocketAddr) -> F,
) -> Result<T, E>
where
    E: From<io::Error>,
    F: Future<Output = Result<T, E>>,
{
    let limited = |address| {
        let attempt = connect(address);
        async move {
            let ended = tokio::time::timeout(pace.limit, attempt).await;
            ended.unwrap_or_else(|_| Err(silent(address, pace.limit).into()))
        }
    };
    let mut waiting = addresses.into_iter();
    let mut running = FuturesUnordered::new();
    let mut first_error = None;
    loop {
        let next = waiting.next();
        let is_last = next.is_none();
        running.extend(next.map(&limited));
        let wait = async {
            if is_last {
                std::future::pending::<()>().await;
            }
            tokio::time::sleep(pace.head_start).await;
        };
        let ended = tokio::select! {
            ended = running.next() => ended,
            () = wait => continue,
        };
        match ended {
            Some(Ok(connected)) => return Ok(connected),
            Some(Err(error)) => drop(first_error.get_or_insert(error)),
            None => break,
        }
    }
    Err(first_error
        .unwrap_or_else(|| E::from(io::Error::new(io::ErrorKind::NotFound, "the host has no address"))))
}

fn silent(address: SocketAddr, limit: Duration) -> io::Error {
    let text = format!("{address} does not answer within {} s", limit.as_secs());
    io::Error::new(io::ErrorKind::TimedOut, text)
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    fn addresses(count: u16) -> Vec<SocketAddr> {
        (1..=count).map(|port| SocketAddr::from(([127, 0, 0, 1], port))).collect()
    }

    async fn reach(addresses: Vec<SocketAddr>, pace: Pace, good: u16) -> (Result<u16, io::Error>, Duration) {
        let begun = Instant::now();
        let reached = first(addresses, pace, |address| async move {
            match address.port() {
                port if port == good => Ok(port),
                // Odd ones refuse, even ones are silent.
                port if port % 2 == 1 => Err(io::Error::from(io::ErrorKind::ConnectionRefused)),
                _ => std::future::pending().await,
            }
        });
        (reached.await, begun.elapsed())
    }

    #[tokio::test]
    async fn silent_and_refusing_addresses_are_passed_over() {
        let (head_start, limit) = (Duration::from_millis(100), Duration::from_mins(1));
        let (reached, took) = reach(addresses(6), Pace { head_start, limit }, 5).await;
        assert_eq!(reached.expect("the fifth"), 5);
        // A refusal ends a head start, silence does not.
        assert!((head_start * 2..limit).contains(&took), "{took:?}");
        let at_once = Pace { head_start: Duration::ZERO, limit };
        let (reached, took) = reach(addresses(6), at_once, 6).await;
        assert_eq!(reached.expect("the sixth"), 6);
        assert!(took < limit, "{took:?}");
    }

    #[tokio::test]
    async fn without_an_answer_the_first_error_is_returned_within_the_limit() {
        let (head_start, limit) = (Duration::from_millis(10), Duration::from_millis(50));
        let (reached, _) = reach(addresses(4), Pace { head_start, limit }, 0).await;
        assert_eq!(reached.expect_err("none").kind(), io::ErrorKind::ConnectionRefused);
        let (reached, took) = reach(addresses(4).split_off(1), Pace { head_start, limit }, 0).await;
        assert_eq!(reached.expect_err("none").kind(), io::ErrorKind::ConnectionRefused, "the first to fail");
        assert!(took >= limit, "{took:?}");
        let (reached, _) = reach(Vec::new(), IN_ORDER, 0).await;
        assert_eq!(reached.expect_err("none").kind(), io::ErrorKind::NotFound);
    }
}
