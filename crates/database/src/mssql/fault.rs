//! What an error of the driver or the server means to the program.

use tiberius::error::Error;

use super::super::{Tier, TierError};

/// Deadlock, lock time-out, write conflicts of snapshots.
const CONFLICTS: [u32; 4] = [1205, 1222, 3960, 3961];
/// A foreign key was hurt.
const FOREIGN_KEY: u32 = 547;
/// In any language of the server: something came to refer to a row that is to go. It goes with what came, the next time.
const REFERRED: &str = "DELETE";
const BABELFISH_REFERRED: &str = "update or delete on table";
/// Snapshot isolation is off in the database.
const SNAPSHOTS_OFF: u32 = 3952;
/// The server or the database is not to be had now: no such database or no entry (also while Azure starts one up),
/// fail-overs and limits of Azure.
const AWAY: [u32; 12] = [4060, 4221, 10928, 10929, 18456, 40143, 40197, 40501, 40540, 40613, 49918, 49920];
/// Errors from this class on cost the connection.
const FATAL: u8 = 20;
/// Babelfish gives most errors one number and says with PostgreSQL's words what happened.
const BABELFISH: u32 = 33_557_097;
const BABELFISH_SERIALIZE: &str = "could not serialize access";
const BABELFISH_AWAY: [&str; 2] = ["terminating connection", "the database system is"];
const BABELFISH_CONFLICTS: [&str; 3] = [BABELFISH_SERIALIZE, "due to lock timeout", "deadlock detected"];

/// Whether a statement that only reads may simply be asked again.
pub(super) fn is_snapshot_conflict(error: &Error) -> bool {
    match error {
        Error::Server(token) => {
            matches!(token.code(), 3960 | 3961)
                || token.code() == BABELFISH && token.message().contains(BABELFISH_SERIALIZE)
        }
        _ => false,
    }
}

/// Whether the server has hung up; a time-out leaves that open.
pub(super) fn is_hangup(error: &Error) -> bool {
    match error {
        Error::Io { kind, .. } => *kind != std::io::ErrorKind::TimedOut,
        Error::Tls(_) => true,
        Error::Server(token) => token.class() >= FATAL,
        _ => false,
    }
}

/// Whether a text in the answer is no sound UTF-16.
pub(super) fn is_lone_surrogate(error: &Error) -> bool {
    match error {
        Error::Utf16 => true,
        Error::Protocol(text) => text.contains("UTF-16"),
        _ => false,
    }
}

/// Whether the connection can be used again: the server has spoken, and to the end.
pub(super) fn leaves_connection_whole(error: &Error) -> bool {
    matches!(error, Error::Server(token) if token.class() < FATAL)
}

/// The error of a statement.
pub(super) fn refused(tier: Tier, statement: &'static str, database: &str, error: Error) -> TierError {
    let Error::Server(token) = &error else {
        return match error {
            Error::Conversion(_) | Error::Encoding(_) | Error::BulkInput(_) => {
                TierError::Statement { tier, statement, source: error.into() }
            }
            _ => TierError::Unavailable { tier, source: error.into() },
        };
    };
    let (code, class) = (token.code(), token.class());
    let said = |texts: &[&str]| code == BABELFISH && texts.iter().any(|text| token.message().contains(text));
    if code == SNAPSHOTS_OFF {
        return TierError::Statement { tier, statement, source: snapshots_off(database).into() };
    }
    let referred = code == FOREIGN_KEY
        && [REFERRED, BABELFISH_REFERRED].iter().any(|text| token.message().contains(text));
    if referred || CONFLICTS.contains(&code) || said(&BABELFISH_CONFLICTS) {
        return TierError::Conflict { tier, statement, source: error.into() };
    }
    if class >= FATAL || AWAY.contains(&code) || said(&BABELFISH_AWAY) {
        return TierError::Unavailable { tier, source: error.into() };
    }
    TierError::Statement { tier, statement, source: error.into() }
}

/// What was wrong with a server's certificate, and what can be done about it. The driver's own advice is for those who
/// write programs with it.
pub(super) fn uncertified(said: &str, host: &str) -> String {
    let reason = match said {
        // A signature does not fit when an authority that is trusted has the name of the one that signed.
        _ if said.contains("UnknownIssuer") || said.contains("BadSignature") => {
            "nobody who is trusted has signed it".to_owned()
        }
        _ if said.contains("NotValidForName") => format!("it is not for {host}"),
        _ if said.contains("CaUsedAsEndEntity") => "it is that of an authority, not of a server".to_owned(),
        _ if said.contains("Expired") => "it has expired".to_owned(),
        _ => return said.to_owned(),
    };
    format!(
        "the server's certificate is refused: {reason}; \
         ca=FILE names a certificate to trust, encrypt=off does without encryption"
    )
}

/// What an administrator has to do before rows can be read as of one instant.
pub(super) fn snapshots_off(database: &str) -> String {
    let name = database.replace(']', "]]");
    format!(
        "snapshot isolation is off; an administrator must run: \
         ALTER DATABASE [{name}] SET ALLOW_SNAPSHOT_ISOLATION ON"
    )
}
