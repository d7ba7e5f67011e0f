//! Why a database cannot be used, as far as its driver can tell.

use tiberius::error::Error as Mssql;

use super::TierError;

/// Why a tier cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Away {
    /// Nothing answers, or the server is still starting.
    NotThere,
    /// The server answers and has no such database yet.
    NoDatabase,
    /// The server rejects this user.
    Refused,
    /// Encryption, certificate or protocol do not match.
    Unfit,
}

impl Away {
    /// Describes the failure in a few words.
    pub const fn what(self) -> &'static str {
        match self {
            Self::NotThere => "not there",
            Self::NoDatabase => "there, without this database",
            Self::Refused => "there, and refuses this user",
            Self::Unfit => "there, and cannot be talked to",
        }
    }

    /// Returns the operator's next step.
    pub const fn advice(self) -> &'static str {
        match self {
            Self::NotThere => "is the server running, and are host and port right?",
            Self::NoDatabase => "make the database, or correct its name",
            Self::Refused => "correct user and password, or let the user into the database",
            Self::Unfit => "correct the encryption or the certificates of the connection",
        }
    }
}

impl TierError {
    /// Returns why the tier cannot be used.
    pub fn away(&self) -> Away {
        let (Self::Unavailable { source, .. } | Self::Statement { source, .. }) = self else {
            return Away::NotThere;
        };
        if let Some(error) = source.downcast_ref::<sqlx::Error>() {
            return postgres(error);
        }
        match source.downcast_ref::<Mssql>() {
            Some(Mssql::Server(token)) => match token.code() {
                4060 => Away::NoDatabase,
                18452 | 18456 => Away::Refused,
                // Babelfish passes on PostgreSQL's messages.
                _ if token.message().contains("does not exist") => Away::NoDatabase,
                _ if token.message().contains("authentication failed") => Away::Refused,
                _ => Away::NotThere,
            },
            Some(Mssql::Tls(_) | Mssql::Protocol(_)) => Away::Unfit,
            _ => Away::NotThere,
        }
    }
}

fn postgres(error: &sqlx::Error) -> Away {
    match error {
        sqlx::Error::Tls(_) | sqlx::Error::Protocol(_) => Away::Unfit,
        sqlx::Error::Database(error) => match error.code().as_deref() {
            // invalid_catalog_name
            Some("3D000") => Away::NoDatabase,
            // invalid_authorization_specification, insufficient_privilege
            Some(code) if code.starts_with("28") || code == "42501" => Away::Refused,
            _ => Away::NotThere,
        },
        _ => Away::NotThere,
    }
}
