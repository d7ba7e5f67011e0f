//! Classifies errors of the driver and the server.

use tiberius::error::{Error, TokenError};

use super::super::{Tier, TierError};

/// Deadlock, lock time-out, snapshot write conflicts.
const CONFLICTS: [u32; 4] = [1205, 1222, 3960, 3961];
/// Foreign key violation.
const FOREIGN_KEY: u32 = 547;
/// A new row refers to a row that is being removed. The next attempt takes both. The text depends on the server's
/// language.
const REFERRED: &str = "DELETE";
const BABELFISH_REFERRED: &str = "update or delete on table";
/// Snapshot isolation is disabled in the database.
const SNAPSHOTS_OFF: u32 = 3952;
/// The server or database is unavailable: missing database, failed login (also while Azure starts one), fail-overs,
/// and limits of Azure.
const AWAY: [u32; 12] = [4060, 4221, 10928, 10929, 18456, 40143, 40197, 40501, 40540, 40613, 49918, 49920];
/// Errors of this class and above close the connection.
const FATAL: u8 = 20;
/// Babelfish gives most errors one number and PostgreSQL's message.
const BABELFISH: u32 = 33_557_097;
const BABELFISH_SERIALIZE: &str = "could not serialize access";
const BABELFISH_AWAY: [&str; 2] = ["terminating connection", "the database system is"];
const BABELFISH_CONFLICTS: [&str; 3] = [BABELFISH_SERIALIZE, "due to lock timeout", "deadlock detected"];

/// Returns whether a read may simply be repeated.
pub(super) fn is_snapshot_conflict(error: &Error) -> bool {
    match error {
        Error::Server(token) => {
            matches!(token.code(), 3960 | 3961)
                || token.code() == BABELFISH && token.message().contains(BABELFISH_SERIALIZE)
        }
        _ => false,
    }
}

/// Returns whether the server ended the transaction in favour of another one.
pub(super) fn is_conflict(error: &Error) -> bool {
    matches!(error, Error::Server(token) if CONFLICTS.contains(&token.code()) || says(token, &BABELFISH_CONFLICTS))
}

fn says(token: &TokenError, texts: &[&str]) -> bool {
    token.code() == BABELFISH && texts.iter().any(|text| token.message().contains(text))
}

/// Returns whether the server closed the connection. After a time-out that is unknown.
pub(super) fn is_hangup(error: &Error) -> bool {
    match error {
        Error::Io { kind, .. } => *kind != std::io::ErrorKind::TimedOut,
        Error::Tls(_) => true,
        Error::Server(token) => token.class() >= FATAL,
        _ => false,
    }
}

/// Returns whether the answer holds invalid UTF-16.
pub(super) fn is_lone_surrogate(error: &Error) -> bool {
    match error {
        Error::Utf16 => true,
        Error::Protocol(text) => text.contains("UTF-16"),
        _ => false,
    }
}

/// Returns whether the connection can be reused: the server's answer is complete.
pub(super) fn leaves_connection_whole(error: &Error) -> bool {
    matches!(error, Error::Server(token) if token.class() < FATAL)
}

/// Converts the error of a statement.
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
    if code == SNAPSHOTS_OFF {
        return TierError::Statement { tier, statement, source: snapshots_off(database).into() };
    }
    let referred = code == FOREIGN_KEY
        && [REFERRED, BABELFISH_REFERRED].iter().any(|text| token.message().contains(text));
    if referred || is_conflict(&error) {
        return TierError::Conflict { tier, statement, source: error.into() };
    }
    if class >= FATAL || AWAY.contains(&code) || says(token, &BABELFISH_AWAY) {
        return TierError::Unavailable { tier, source: error.into() };
    }
    TierError::Statement { tier, statement, source: error.into() }
}

/// Explains a certificate error to an operator. The driver's own advice is for programmers.
pub(super) fn uncertified(said: &str, host: &str) -> String {
    let reason = match said {
        // A signature does not match when a trusted authority has the same name as the one that signed.
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

/// The administrator's command that enables snapshot reads.
pub(super) fn snapshots_off(database: &str) -> String {
    let name = database.replace(']', "]]");
    format!(
        "snapshot isolation is off; an administrator must run: \
         ALTER DATABASE [{name}] SET ALLOW_SNAPSHOT_ISOLATION ON"
    )
}
