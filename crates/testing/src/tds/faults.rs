//! Faults that the fake server can be told to have.

use std::sync::Mutex;
use std::time::Duration;

use super::tokens::Refusal;

/// Where a fault happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum At {
    Login,
    /// A statement by its name, or a text of session control.
    Statement(&'static str),
}

pub const COMMIT: At = At::Statement("COMMIT TRANSACTION");

/// The kind of a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Nothing is done or answered until the client gives up; a login continues when the fault is healed.
    Stall,
    /// It is done, and answered up to the middle of the first row.
    StallInRow,
    /// The same, and the connection is reset.
    ResetInRow,
    /// It takes this much longer.
    Slow(Duration),
    /// Nothing is done, and the connection is closed.
    HangUp,
    /// It is done, and the connection is closed without an answer.
    LoseAnswer,
    /// Nothing is done, and an error with this number is answered.
    Refuse(u32),
    /// Nothing is done: a new row refers to one that was to be deleted.
    Refer,
    /// Each text of the answer contains half a surrogate pair.
    HalfCharacters,
}

/// Pending faults, and how often each still happens.
#[derive(Debug, Default)]
pub struct Faults(Mutex<Vec<(At, Fault, usize)>>);

impl Faults {
    pub fn add(&self, at: At, fault: Fault, times: usize) {
        self.0.lock().expect("no panic").push((at, fault, times));
    }

    pub fn clear(&self) {
        self.0.lock().expect("no panic").clear();
    }

    /// Takes the fault that happens now, if any.
    pub fn take(&self, at: impl Fn(&At) -> bool) -> Option<Fault> {
        let mut waiting = self.0.lock().expect("no panic");
        let place = waiting.iter().position(|(waits, _, _)| at(waits))?;
        waiting[place].2 -= 1;
        if waiting[place].2 == 0 { Some(waiting.remove(place).1) } else { Some(waiting[place].1) }
    }
}

/// Returns an error as SQL Server words it, as [`Fault::Refer`] needs it.
pub fn referred() -> Refusal {
    Refusal::new(547, 16, "The DELETE statement conflicted with the REFERENCE constraint.")
}

pub fn refusal(number: u32) -> Refusal {
    let (class, text) = match number {
        515 => (16, "Cannot insert the value NULL into a column that does not allow nulls."),
        547 => (16, "The statement conflicted with a FOREIGN KEY constraint."),
        596 => (21, "Cannot continue the execution because the session is in the kill state."),
        1205 => (13, "Transaction was deadlocked on lock resources with another process."),
        1222 => (16, "Lock request time out period exceeded."),
        2627 => (14, "Violation of a PRIMARY KEY or UNIQUE KEY constraint."),
        3902 => (16, "The COMMIT TRANSACTION request has no corresponding BEGIN TRANSACTION."),
        3952 => (
            16,
            "Snapshot isolation transaction failed accessing database because snapshot isolation is not allowed.",
        ),
        3960 => (16, "Snapshot isolation transaction aborted due to update conflict."),
        3961 => (
            16,
            "Snapshot isolation transaction failed because an object was altered by a concurrent DDL statement.",
        ),
        4060 => (11, "Cannot open database requested by the login."),
        18_456 => (14, "Login failed for user."),
        40_613 => (17, "Database is not currently available."),
        _ => panic!("{number} has no text yet"),
    };
    Refusal::new(number, class, text)
}
