//! Failed sign-ins: logged, and limited by address.
//!
//! Only failures count, and only failures are refused: behind a proxy all clients share an address, and a valid token must
//! pass whatever others send.

use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;

use governor::clock::{Clock as _, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

use super::retry_after;
use crate::web::auth::Refusal;
use crate::web::problem::Problem;

/// Failed sign-ins of one address in a second, after the first [`BURST`].
const PER_SECOND: NonZeroU32 = NonZeroU32::new(10).unwrap();
/// Failed sign-ins of one address before the rate counts.
const BURST: NonZeroU32 = NonZeroU32::new(100).unwrap();
/// Counter of failed sign-ins.
const FAILED: &str = "thermocline_sign_ins_failed_total";
/// Addresses that are remembered before the idle ones are forgotten.
const REMEMBERED: usize = 10_000;

/// The failed sign-ins of each address.
#[derive(Debug)]
pub struct SignIns {
    rate: DefaultKeyedRateLimiter<IpAddr>,
    clock: DefaultClock,
}

impl Default for SignIns {
    fn default() -> Self {
        let quota = Quota::per_second(PER_SECOND).allow_burst(BURST);
        Self { rate: RateLimiter::keyed(quota), clock: DefaultClock::default() }
    }
}

impl SignIns {
    /// Logs a failed sign-in and returns the problem to answer with.
    pub fn failed(&self, address: Option<IpAddr>, request_id: &str, refusal: Refusal) -> Problem {
        if refusal == Refusal::Missing {
            return refusal.into();
        }
        metrics::counter!(FAILED).increment(1);
        if let Some(problem) = address.and_then(|address| self.limit(address)) {
            // Without a line: a flood must not fill the disk that holds the log.
            return if is_forged(refusal) { problem } else { refusal.into() };
        }
        let address = address.map(|address| address.to_string());
        tracing::warn!(address, request_id, reason = %refusal, "a sign-in failed");
        refusal.into()
    }

    fn limit(&self, address: IpAddr) -> Option<Problem> {
        if self.rate.len() > REMEMBERED {
            self.rate.retain_recent();
        }
        let not_until = self.rate.check_key(&network(address)).err()?;
        let retry_after = retry_after(not_until.wait_time_from(self.clock.now()));
        Some(Problem::RateLimited { retry_after })
    }
}

/// Returns whether the token may be a guess. The holder of a genuine one, for example an expired one, is told so however
/// often they ask: clients renew their token at a 401.
const fn is_forged(refusal: Refusal) -> bool {
    matches!(
        refusal,
        Refusal::Repeated
            | Refusal::MalformedHeader
            | Refusal::MalformedToken
            | Refusal::Algorithm
            | Refusal::Key
            | Refusal::Signature
    )
}

/// Returns the network that one client is likely to own: an address of IPv4, 64 bits of IPv6.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
        address @ IpAddr::V4(_) => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(sign_ins: &SignIns, address: &str, refusal: Refusal, count: u32) -> Vec<&'static str> {
        let address = Some(address.parse().expect("an address"));
        (0..count).map(|_| sign_ins.failed(address, "id", refusal).kind().name).collect()
    }

    #[test]
    fn failed_sign_ins_of_one_address_are_limited() {
        let sign_ins = SignIns::default();
        let answers = problems(&sign_ins, "192.0.2.1", Refusal::Signature, 2 * BURST.get());
        assert!(answers[..BURST.get() as usize].iter().all(|name| *name == "unauthorized"), "{answers:?}");
        assert_eq!(answers.last(), Some(&"rate-limited"));
        assert_eq!(problems(&sign_ins, "192.0.2.2", Refusal::Signature, 1), ["unauthorized"]);
    }

    #[test]
    fn an_address_of_ipv6_is_its_network() {
        let sign_ins = SignIns::default();
        problems(&sign_ins, "2001:db8::1", Refusal::Signature, 2 * BURST.get());
        assert_eq!(problems(&sign_ins, "2001:db8::2", Refusal::Signature, 1), ["rate-limited"]);
        assert_eq!(problems(&sign_ins, "2001:db8:0:1::1", Refusal::Signature, 1), ["unauthorized"]);
        problems(&sign_ins, "192.0.2.1", Refusal::Signature, 2 * BURST.get());
        assert_eq!(problems(&sign_ins, "::ffff:192.0.2.1", Refusal::Signature, 1), ["rate-limited"]);
    }

    #[test]
    fn a_missing_or_an_expired_token_is_no_guess() {
        for refusal in [Refusal::Missing, Refusal::Expired] {
            let answers = problems(&SignIns::default(), "192.0.2.1", refusal, 2 * BURST.get());
            assert!(answers.iter().all(|name| *name == "unauthorized"), "{refusal}");
        }
    }
}
