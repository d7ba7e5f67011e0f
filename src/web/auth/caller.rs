//! The user for whom a request acts, and the rights of the token.

use crate::web::problem::Problem;

/// Rows that a token can be restricted to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Conversations and their messages.
    Messages,
    /// Posts, comments and likes.
    Posts,
    /// Stocks and their prices.
    Prices,
}

impl Scope {
    const ALL: [Self; 3] = [Self::Messages, Self::Posts, Self::Prices];

    /// Returns the word of a token's scope.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Messages => "messages:read",
            Self::Posts => "posts:read",
            Self::Prices => "prices:read",
        }
    }
}

/// The scopes that a token is restricted to; none for a token that may read everything.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Restriction(u8);

impl Restriction {
    /// Returns the restriction that the words of a token's scope express.
    pub fn of<'a>(words: impl Iterator<Item = &'a str>) -> Self {
        let bit =
            |word| Scope::ALL.iter().find(|scope| scope.word() == word).map_or(0, |scope| 1 << *scope as u8);
        Self(words.map(bit).fold(0, |bits, bit| bits | bit))
    }

    /// Returns it as a number.
    pub const fn bits(self) -> u8 {
        self.0
    }

    /// Returns the restriction with this number.
    pub const fn from_bits(bits: u8) -> Self {
        Self(bits)
    }

    const fn allows(self, scope: Scope) -> bool {
        self.0 == 0 || self.0 & (1 << scope as u8) != 0
    }
}

/// The user for whom a request acts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caller {
    /// A positive id. The user may not exist.
    pub user_id: i64,
    /// Whether the token may read the rows of every user.
    pub admin: bool,
    pub(super) restriction: Restriction,
}

impl Caller {
    /// Checks that the token may read the rows of `scope` at all. The refusal is the same whether a row exists or not.
    pub fn require(&self, scope: Scope) -> Result<(), Problem> {
        if self.restriction.allows(scope) {
            Ok(())
        } else {
            Err(Problem::ScopeMissing { scope: scope.word() })
        }
    }
}
