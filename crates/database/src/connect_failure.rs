//! Why a database cannot be used, as far as its driver can tell.

use rusqlite::ffi::ErrorCode;
use tiberius::error::Error as Mssql;

use super::TierError;

/// Why a tier cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConnectFailure {
    /// Nothing answers, or the server is still starting.
    Unreachable,
    /// The server answers and has no such database yet.
    MissingDatabase,
    /// The server rejects this user.
    LoginRejected,
    /// Encryption, certificate or protocol do not match.
    ProtocolMismatch,
    /// The disk of the database has no space left.
    DiskFull,
}

impl ConnectFailure {
    /// Describes the failure in a few words.
    pub const fn summary(self) -> &'static str {
        match self {
            Self::Unreachable => "unreachable",
            Self::MissingDatabase => "reachable, but this database does not exist",
            Self::LoginRejected => "reachable, but rejects this user",
            Self::ProtocolMismatch => "reachable, but its protocol or encryption does not match",
            Self::DiskFull => "on a disk that is full",
        }
    }

    /// Returns the operator's next step.
    pub const fn advice(self) -> &'static str {
        match self {
            Self::Unreachable => "is the server running, and are host and port right?",
            Self::MissingDatabase => "create the database, or correct its name",
            Self::LoginRejected => "correct user and password, or grant the user access to the database",
            Self::ProtocolMismatch => "correct the encryption or the certificates of the connection",
            Self::DiskFull => "free space on that disk",
        }
    }
}

impl TierError {
    /// Returns why the tier cannot be used.
    pub fn connect_failure(&self) -> ConnectFailure {
        let (Self::Unavailable { source, .. } | Self::Statement { source, .. }) = self else {
            return ConnectFailure::Unreachable;
        };
        if let Some(error) = source.downcast_ref::<sqlx::Error>() {
            return of_sqlx(error);
        }
        if let Some(error) = source.downcast_ref::<rusqlite::Error>() {
            let is_full = error.sqlite_error_code() == Some(ErrorCode::DiskFull);
            return if is_full { ConnectFailure::DiskFull } else { ConnectFailure::Unreachable };
        }
        match source.downcast_ref::<Mssql>() {
            Some(Mssql::Server(token)) => match token.code() {
                4060 => ConnectFailure::MissingDatabase,
                18452 | 18456 => ConnectFailure::LoginRejected,
                // Babelfish passes on PostgreSQL's messages.
                _ if token.message().contains("does not exist") => ConnectFailure::MissingDatabase,
                _ if token.message().contains("authentication failed") => ConnectFailure::LoginRejected,
                _ => ConnectFailure::Unreachable,
            },
            Some(Mssql::Tls(_) | Mssql::Protocol(_)) => ConnectFailure::ProtocolMismatch,
            _ => ConnectFailure::Unreachable,
        }
    }
}

fn of_sqlx(error: &sqlx::Error) -> ConnectFailure {
    match error {
        sqlx::Error::Tls(_) | sqlx::Error::Protocol(_) => ConnectFailure::ProtocolMismatch,
        sqlx::Error::Database(error) => match error.code().as_deref() {
            // disk_full
            Some("53100") => ConnectFailure::DiskFull,
            // invalid_catalog_name
            Some("3D000") => ConnectFailure::MissingDatabase,
            // invalid_authorization_specification, insufficient_privilege
            Some(code) if code.starts_with("28") || code == "42501" => ConnectFailure::LoginRejected,
            _ => ConnectFailure::Unreachable,
        },
        _ => ConnectFailure::Unreachable,
    }
}
