//! Positions in the change feed, and the opaque tokens that encode them.
//!
//! Pure: nothing here knows a database, a tier or HTTP.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use crate::keyset::{BadCursor, seal, unseal};

/// Tells tokens of the feed from cursors.
const KIND: u8 = 2;

/// A place in the feed. Several rows can share a version, so the id breaks ties.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// The number that a row gets when it is inserted or changed.
    pub version: i64,
    /// The id of the row.
    pub id: i64,
}

impl Position {
    /// Returns the position of the first row with this version.
    pub const fn first_of(version: i64) -> Self {
        Self { version, id: i64::MIN }
    }

    /// Returns the next position.
    #[must_use]
    pub const fn successor(self) -> Self {
        match self.id.checked_add(1) {
            Some(id) => Self { version: self.version, id },
            None => Self::first_of(self.version + 1),
        }
    }
}

/// A position in the feed of one database: everything from it on is still to come. Clients see it as opaque text.
///
/// It holds no permission and no filter: every request is authorized by itself, and one token resumes the feed of one
/// conversation as well as that of all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Token {
    /// The random number of the feed. Another database, or one whose history was rewritten, has another.
    pub incarnation: i64,
    /// The first position that is still to come.
    pub position: Position,
}

impl PartialOrd for Token {
    /// Compares positions; tokens of different incarnations have no order.
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        (self.incarnation == other.incarnation).then(|| self.position.cmp(&other.position))
    }
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Position { version, id } = self.position;
        f.write_str(&seal(KIND, [self.incarnation, version, id]))
    }
}

impl FromStr for Token {
    type Err = BadCursor;

    /// Reads a token.
    ///
    /// # Errors
    /// [`BadCursor::Broken`] for anything that is not the text of a token.
    fn from_str(text: &str) -> Result<Self, BadCursor> {
        let [incarnation, version, id] = unseal(KIND, text)?;
        Ok(Self { incarnation, position: Position { version, id } })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Timestamp;
    use crate::keyset::{Key, ListId, TokenKind, encode};
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_token_comes_back_as_it_was(incarnation: i64, version: i64, id: i64) {
            let token = Token { incarnation, position: Position { version, id } };
            let text = token.to_string();
            prop_assert_eq!(text.len(), 39);
            prop_assert_eq!(text.parse(), Ok(token));
        }

        #[test]
        fn a_changed_token_is_broken(version: i64, place in 0..39usize, letter in "[A-Za-z0-9_=+/ -]") {
            let token = Token { incarnation: 1, position: Position::first_of(version) }.to_string();
            let mut changed = token.clone();
            changed.replace_range(place..=place, &letter);
            prop_assume!(changed != token);
            prop_assert_eq!(changed.parse::<Token>(), Err(BadCursor::Broken));
        }

        #[test]
        fn nothing_lies_between_a_position_and_its_successor(a: (i32, i64), b: (i32, i64)) {
            let at = |(version, id): (i32, i64)| Position { version: version.into(), id };
            prop_assert!(at(a) < at(a).successor());
            prop_assert!(at(b) <= at(a) || at(b) >= at(a).successor());
        }
    }

    #[test]
    fn tokens_of_different_incarnations_have_no_order() {
        let token = |incarnation, version| Token { incarnation, position: Position::first_of(version) };
        assert!(token(1, 5) < token(1, 6));
        assert_eq!(token(1, 5).partial_cmp(&token(2, 6)), None);
    }

    #[test]
    fn a_cursor_is_no_token() {
        let key = Key::new(Timestamp::default(), 7);
        let cursor = encode(TokenKind::Cursor, ListId::of(&["messages"]), key);
        assert_eq!(cursor.parse::<Token>(), Err(BadCursor::Broken));
    }
}
