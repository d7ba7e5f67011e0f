//! Tickets: one stream each, for clients that can send no header, such as `EventSource` in browsers.
//!
//! A ticket is signed, so that every server with the same secret accepts it. The server that opened the stream remembers
//! that the ticket is spent.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::caller::{Caller, Restriction};
use super::error::Refusal;
use crate::clock::{Clock, Timestamp};

/// The time for which a ticket is valid, in seconds.
const VALID_FOR: i64 = 60;
/// Tells this form from later ones.
const FORM: u8 = 1;
/// Bytes of the signed part.
const BODY: usize = 43;
const SIGNATURE: usize = 32;
/// Spent tickets that are remembered before the expired ones are forgotten.
const REMEMBERED: usize = 1_024;

/// Issues and redeems tickets.
pub struct Tickets {
    key: [u8; 32],
    clock: Clock,
    /// The tickets that opened a stream, each with its end.
    spent: Mutex<HashMap<[u8; 16], Timestamp>>,
}

/// A genuine ticket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ticket {
    /// The user for whom it was issued.
    pub caller: Caller,
    /// When the token expires for which it was issued, and the stream ends.
    pub until: Timestamp,
    valid_until: Timestamp,
    number: [u8; 16],
}

impl Tickets {
    /// Returns tickets that are signed with `key`.
    pub fn new(key: [u8; 32], clock: Clock) -> Self {
        Self { key, clock, spent: Mutex::default() }
    }

    /// Returns a new ticket for a caller whose token is valid until `until`, and the seconds for which it is valid.
    pub fn issue(&self, caller: &Caller, until: Timestamp) -> (String, i64) {
        let now = self.clock.now();
        let valid_until = now.plus(VALID_FOR * 1_000_000).min(until);
        let mut body = Vec::with_capacity(BODY + SIGNATURE);
        body.extend([FORM, u8::from(caller.admin), caller.restriction.bits()]);
        let numbers =
            [caller.user_id, until.micros(), valid_until.micros(), self.clock.draw(), self.clock.draw()];
        body.extend(numbers.iter().flat_map(|number| number.to_be_bytes()));
        let signature = blake3::keyed_hash(&self.key, &body);
        body.extend(signature.as_bytes());
        (URL_SAFE_NO_PAD.encode(body), (valid_until.micros() - now.micros()) / 1_000_000)
    }

    /// Reads a ticket that has not expired. It is not spent yet.
    ///
    /// # Errors
    /// [`Refusal::Ticket`]
    pub fn read(&self, text: &str) -> Result<Ticket, Refusal> {
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| Refusal::Ticket)?;
        let bytes: [u8; BODY + SIGNATURE] = bytes.try_into().map_err(|_| Refusal::Ticket)?;
        let (body, signature) = bytes.split_at(BODY);
        // The comparison takes the same time wherever they differ.
        if blake3::keyed_hash(&self.key, body) != *signature || body[0] != FORM {
            return Err(Refusal::Ticket);
        }
        let number = |at: usize| {
            let mut eight = [0; 8];
            eight.copy_from_slice(&body[at..at + 8]);
            i64::from_be_bytes(eight)
        };
        let time = |at: usize| Timestamp::from_micros(number(at)).ok_or(Refusal::Ticket);
        let mut own = [0; 16];
        own.copy_from_slice(&body[27..]);
        let restriction = Restriction::from_bits(body[2]);
        let caller = Caller { user_id: number(3), admin: body[1] == 1, restriction };
        let ticket = Ticket { caller, until: time(11)?, valid_until: time(19)?, number: own };
        if ticket.valid_until <= self.clock.now() { Err(Refusal::Ticket) } else { Ok(ticket) }
    }

    /// Spends a ticket.
    ///
    /// # Errors
    /// [`Refusal::Ticket`] if it was spent before.
    pub fn spend(&self, ticket: &Ticket) -> Result<(), Refusal> {
        let mut spent = self.spent.lock().unwrap_or_else(PoisonError::into_inner);
        if spent.len() >= REMEMBERED {
            let now = self.clock.now();
            spent.retain(|_, end| now < *end);
        }
        match spent.insert(ticket.number, ticket.valid_until) {
            None => Ok(()),
            Some(_) => Err(Refusal::Ticket),
        }
    }
}

impl fmt::Debug for Tickets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tickets").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_micros(seconds * 1_000_000).expect("in range")
    }

    fn caller() -> Caller {
        Caller { user_id: 42, admin: true, restriction: Restriction::of(["messages:read"].into_iter()) }
    }

    #[test]
    fn a_ticket_is_redeemed_once_by_any_server_of_one_secret() {
        let clock = Clock::fixed(at(1_000));
        let (here, there) = (Tickets::new([7; 32], clock.clone()), Tickets::new([7; 32], clock));
        let (text, seconds) = here.issue(&caller(), at(5_000));
        assert_eq!(seconds, 60);
        assert!(!text.contains('.'), "nothing takes it for a JWT");
        let ticket = there.read(&text).expect("genuine");
        assert_eq!((ticket.caller, ticket.until), (caller(), at(5_000)));
        assert_eq!(there.spend(&ticket), Ok(()));
        assert_eq!(there.spend(&there.read(&text).expect("still genuine")), Err(Refusal::Ticket));
        let (other, _) = here.issue(&caller(), at(5_000));
        assert_eq!(there.spend(&there.read(&other).expect("genuine")), Ok(()), "each has its number");
    }

    #[test]
    fn a_ticket_expires_with_its_time_and_with_its_token() {
        let clock = Clock::fixed(at(1_000));
        let tickets = Tickets::new([7; 32], clock.clone());
        let (long, _) = tickets.issue(&caller(), at(5_000));
        let (short, seconds) = tickets.issue(&caller(), at(1_010));
        assert_eq!(seconds, 10);
        clock.set(at(1_010));
        assert_eq!(tickets.read(&short), Err(Refusal::Ticket));
        assert!(tickets.read(&long).is_ok());
        clock.set(at(1_060));
        assert_eq!(tickets.read(&long), Err(Refusal::Ticket));
    }

    #[test]
    fn a_changed_or_foreign_ticket_is_refused() {
        let clock = Clock::fixed(at(1_000));
        let tickets = Tickets::new([7; 32], clock.clone());
        let (text, _) = tickets.issue(&caller(), at(5_000));
        for place in 0..text.len() {
            let mut changed = text.clone();
            let other = if &text[place..=place] == "A" { "B" } else { "A" };
            changed.replace_range(place..=place, other);
            assert_eq!(tickets.read(&changed), Err(Refusal::Ticket), "{place}");
        }
        for foreign in ["", "x", &text[1..], "e30.e30.e30"] {
            assert_eq!(tickets.read(foreign), Err(Refusal::Ticket), "{foreign}");
        }
        assert_eq!(Tickets::new([8; 32], clock).read(&text), Err(Refusal::Ticket));
    }

    #[test]
    fn spent_tickets_are_forgotten_when_they_have_expired() {
        let clock = Clock::fixed(at(1_000));
        let tickets = Tickets::new([7; 32], clock.clone());
        for second in 0..10 * REMEMBERED as i64 {
            clock.set(at(1_000 + second));
            let (text, _) = tickets.issue(&caller(), at(1_000_000));
            tickets.spend(&tickets.read(&text).expect("genuine")).expect("not spent");
        }
        assert!(tickets.spent.lock().expect("a lock").len() <= REMEMBERED);
    }
}
