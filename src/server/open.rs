//! The open connections. When there are too many, idle ones make room.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::time::Instant;

use super::activity::Activity;

/// The part of the idle connections of an address that makes room at once, so that the search for them pays.
const EVICTED_PART: usize = 16;
/// Gauge of open connections.
const OPEN: &str = "thermocline_http_connections";
/// Counter of connections that had to make room.
const EVICTED: &str = "thermocline_http_connections_evicted_total";

/// The open connections of a listener.
#[derive(Debug)]
pub struct OpenConnections {
    most: usize,
    connections: Mutex<Connections>,
}

#[derive(Debug, Default)]
struct Connections {
    next: u64,
    open: HashMap<u64, (IpAddr, Arc<Activity>)>,
}

/// A place among the open connections.
#[derive(Debug)]
pub struct Place {
    connections: Arc<OpenConnections>,
    number: u64,
}

impl OpenConnections {
    /// Returns places for `most` connections; 0 is no limit.
    pub fn new(most: usize) -> Arc<Self> {
        Arc::new(Self { most, connections: Mutex::default() })
    }

    /// Returns a place for a connection. Idle connections make room if need be; `None` if all are busy.
    pub fn admit(self: &Arc<Self>, address: IpAddr, activity: &Arc<Activity>) -> Option<Place> {
        let mut connections = self.lock();
        if self.most > 0 && connections.open.len() >= self.most && !connections.evict() {
            return None;
        }
        let number = connections.next;
        connections.next += 1;
        connections.open.insert(number, (address.to_canonical(), Arc::clone(activity)));
        metrics::gauge!(OPEN).set(connections.open.len() as f64);
        Some(Place { connections: Arc::clone(self), number })
    }

    /// Makes idle connections close. Returns whether there are any.
    pub fn evict(&self) -> bool {
        self.lock().evict()
    }

    fn lock(&self) -> MutexGuard<'_, Connections> {
        self.connections.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Connections {
    /// Evicts from the address with the most idle connections those that have been idle for longest.
    fn evict(&mut self) -> bool {
        let mut idle: HashMap<IpAddr, Vec<(Instant, u64)>> = HashMap::new();
        for (number, (address, activity)) in &self.open {
            if let Some(since) = activity.idle_since() {
                idle.entry(*address).or_default().push((since, *number));
            }
        }
        let Some(mut idle) = idle.into_values().max_by_key(Vec::len) else { return false };
        idle.sort_unstable();
        let count = idle.len().div_ceil(EVICTED_PART);
        for (_, number) in idle.into_iter().take(count) {
            if let Some((_, activity)) = self.open.remove(&number) {
                activity.evicted.notify_one();
            }
        }
        metrics::counter!(EVICTED).increment(count as u64);
        true
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut connections = self.connections.lock();
        if connections.open.remove(&self.number).is_some() {
            metrics::gauge!(OPEN).set(connections.open.len() as f64);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use futures::FutureExt as _;
    use http::Version;

    use super::*;

    fn address(last: u8) -> IpAddr {
        [192, 0, 2, last].into()
    }

    fn opened() -> Arc<Activity> {
        Activity::new(Instant::now())
    }

    #[tokio::test]
    async fn the_address_with_the_most_idle_connections_makes_room() {
        let open = OpenConnections::new(4);
        let begun = Instant::now();
        let activities: Vec<_> = (0..4).map(|n| Activity::new(begun + Duration::from_secs(n))).collect();
        let busy = activities[1].begin(Version::HTTP_11);
        let mut places = Vec::new();
        for (activity, from) in activities.iter().zip([1, 1, 2, 1]) {
            places.push(open.admit(address(from), activity));
        }
        assert!(open.admit(address(3), &opened()).is_some());
        let evicted: Vec<bool> =
            activities.iter().map(|activity| activity.evicted.notified().now_or_never().is_some()).collect();
        assert_eq!(evicted, [true, false, false, false], "the oldest idle one of the first address");
        drop(busy);
    }

    #[tokio::test]
    async fn a_busy_connection_is_never_evicted() {
        let open = OpenConnections::new(1);
        let activity = opened();
        let request = activity.begin(Version::HTTP_11);
        let _place = open.admit(address(1), &activity).expect("there is room");
        assert!(open.admit(address(2), &opened()).is_none());
        drop(request);
        assert!(open.admit(address(2), &opened()).is_some());
    }

    #[tokio::test]
    async fn a_closed_connection_leaves_its_place() {
        let open = OpenConnections::new(1);
        let activity = opened();
        let _request = activity.begin(Version::HTTP_11);
        drop(open.admit(address(1), &activity));
        assert!(open.admit(address(1), &activity).is_some());
    }
}
