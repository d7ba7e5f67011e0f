//! The two tiers.

use std::fmt;

/// One of the two databases a row can live in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Tier {
    /// The platform's own database, which holds the newest rows.
    Hot,
    /// The archive.
    Cold,
}

impl Tier {
    /// `hot` or `cold`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Hot => "hot",
            Self::Cold => "cold",
        }
    }
}

impl fmt::Display for Tier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
