//! Keyset keys, slices of an ordered list, and the opaque cursors that encode a key.
//!
//! Pure: nothing here knows a database, a tier or HTTP.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::clock::Timestamp;

/// The most rows one page holds.
pub const MAX_LIMIT: i64 = 100;
/// The rows of a page when the client does not say.
pub const DEFAULT_LIMIT: i64 = 20;

/// The position of a row in its list: `(created_at, id)`, or `(trade_date, 0)` for a price of one stock.
///
/// Both parts are integers, so every tier sorts keys exactly as Rust does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// The instant the list is ordered by.
    pub at: Timestamp,
    /// The unique id that breaks ties.
    pub id: i64,
}

impl Key {
    /// The lower bound of all rows.
    pub const MIN: Self = Self::new(Timestamp::MIN, i64::MIN);
    /// The upper bound of all rows, and the open end of the newest counted block.
    pub const MAX: Self = Self::new(Timestamp::MAX, i64::MAX);

    /// Creates the key of the row `id` at the instant `at`.
    pub const fn new(at: Timestamp, id: i64) -> Self {
        Self { at, id }
    }

    /// Returns the oldest key a row at `at` can have.
    pub const fn first_at(at: Timestamp) -> Self {
        Self::new(at, i64::MIN)
    }

    /// Returns the next newer key. It turns "up to and including `self`" into an exclusive bound, and "after `self`"
    /// into an inclusive one. [`Key::MAX`] is its own successor.
    #[must_use]
    pub fn successor(self) -> Self {
        match self.id.checked_add(1) {
            Some(id) => Self::new(self.at, id),
            None if self.at == Timestamp::MAX => Self::MAX,
            None => Self::first_at(self.at.plus(1)),
        }
    }
}

/// The direction a slice is read in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Order {
    /// Newest first, as every list is shown.
    Desc,
    /// Oldest first: the rows nearest above a cursor, or a chart.
    Asc,
}

/// Rows with a key in `lower .. upper`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Span {
    /// Inclusive.
    pub lower: Key,
    /// Exclusive.
    pub upper: Key,
}

impl Span {
    /// All rows.
    pub const ALL: Self = Self { lower: Key::MIN, upper: Key::MAX };

    /// Returns the part of the span that is older than `key`.
    #[must_use]
    pub fn below(self, key: Key) -> Self {
        Self { upper: self.upper.min(key), ..self }
    }

    /// Returns the part of the span from `key` on, inclusive.
    #[must_use]
    pub fn from(self, key: Key) -> Self {
        Self { lower: self.lower.max(key), ..self }
    }

    /// Returns whether the span holds no key.
    pub fn is_empty(self) -> bool {
        self.lower >= self.upper
    }
}

/// Part of a list: the rows of a span in an order, after the first `skip`, at most `take`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Slice {
    /// The keys.
    pub span: Span,
    /// The order in which rows are skipped and taken.
    pub order: Order,
    /// The number of rows to leave out first.
    pub skip: i64,
    /// The maximum number of rows to return.
    pub take: i64,
}

impl Slice {
    /// Returns the newest `take` rows of `span`.
    pub const fn newest(span: Span, take: i64) -> Self {
        Self { span, order: Order::Desc, skip: 0, take }
    }

    /// Returns the oldest `take` rows of `span`, oldest first.
    pub const fn oldest(span: Span, take: i64) -> Self {
        Self { span, order: Order::Asc, skip: 0, take }
    }

    /// Returns the same part after leaving out the first `skip` rows.
    #[must_use]
    pub const fn skipping(self, skip: i64) -> Self {
        Self { skip, ..self }
    }
}

/// Identifies a list and its filter, so that a cursor of another list is rejected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ListId([u8; 8]);

impl ListId {
    /// Returns the identity of the list described by `parts`: its name, then each value it is filtered by.
    pub fn of(parts: &[&str]) -> Self {
        let mut hasher = blake3::Hasher::new();
        for part in parts {
            hasher.update(&(part.len() as u64).to_le_bytes());
            hasher.update(part.as_bytes());
        }
        let mut id = [0; 8];
        id.copy_from_slice(&hasher.finalize().as_bytes()[..8]);
        Self(id)
    }

    /// Returns the identity of the same list limited to a time span, in microseconds.
    #[must_use]
    pub fn within(self, from: Option<i64>, to: Option<i64>) -> Self {
        let end = |end: Option<i64>| end.map_or(String::new(), |micros| micros.to_string());
        let list = u64::from_be_bytes(self.0).to_string();
        Self::of(&[&list, &end(from), &end(to)])
    }
}

/// The kinds of tokens given to clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenKind {
    /// A position in a list: `next`, `prev`, `before`, `after`.
    Cursor,
    /// The upper bound of a page walk: `as_of`.
    AsOf,
}

impl TokenKind {
    const fn version(self) -> u8 {
        match self {
            Self::Cursor => 1,
            Self::AsOf => 129,
        }
    }
}

/// Why a token was rejected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadCursor {
    /// The token was not made by this program.
    #[error("not a cursor this service gave out")]
    Broken,
    /// The token belongs to another list, or to the same list with another filter.
    #[error("a cursor of another list or filter")]
    Foreign,
}

const TOKEN_BYTES: usize = 1 + 8 + 8 + 8 + 4;

/// Encodes `key` as an opaque token of 39 characters: version, list, microseconds, id and a checksum in base64url.
///
/// The token holds no tier and no epoch, so it survives a move of its row. It holds no permission: every request is
/// authorized by itself. It holds no direction: a cursor can be followed both ways.
pub fn encode(kind: TokenKind, list: ListId, key: Key) -> String {
    seal(kind.version(), [i64::from_be_bytes(list.0), key.at.micros(), key.id])
}

/// Decodes a token.
///
/// # Errors
/// [`BadCursor::Broken`] for anything [`encode`] did not write as this kind; [`BadCursor::Foreign`] when `list` is
/// not the one it was written for.
pub fn decode(kind: TokenKind, list: ListId, token: &str) -> Result<Key, BadCursor> {
    let [of, micros, id] = unseal(kind.version(), token)?;
    if of.to_be_bytes() != list.0 {
        return Err(BadCursor::Foreign);
    }
    let at = Timestamp::from_micros(micros).ok_or(BadCursor::Broken)?;
    Ok(Key::new(at, id))
}

/// Encodes three numbers as an opaque token. `version` tells the kinds of tokens apart.
pub(crate) fn seal(version: u8, numbers: [i64; 3]) -> String {
    let mut bytes = Vec::with_capacity(TOKEN_BYTES);
    bytes.push(version);
    for number in numbers {
        bytes.extend_from_slice(&number.to_be_bytes());
    }
    bytes.extend_from_slice(&checksum(&bytes));
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Decodes what [`seal`] wrote with the same `version`.
pub(crate) fn unseal(version: u8, token: &str) -> Result<[i64; 3], BadCursor> {
    let bytes = URL_SAFE_NO_PAD.decode(token).map_err(|_| BadCursor::Broken)?;
    let bytes: [u8; TOKEN_BYTES] = bytes.try_into().map_err(|_| BadCursor::Broken)?;
    let (body, check) = bytes.split_at(TOKEN_BYTES - 4);
    if check != checksum(body) || body[0] != version {
        return Err(BadCursor::Broken);
    }
    let integer = |from: usize| {
        let mut eight = [0; 8];
        eight.copy_from_slice(&body[from..from + 8]);
        i64::from_be_bytes(eight)
    };
    Ok([integer(1), integer(9), integer(17)])
}

fn checksum(body: &[u8]) -> [u8; 4] {
    let mut check = [0; 4];
    check.copy_from_slice(&blake3::hash(body).as_bytes()[..4]);
    check
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn any_key() -> impl Strategy<Value = Key> {
        let micros = Timestamp::MIN.micros()..=Timestamp::MAX.micros();
        (micros, any::<i64>())
            .prop_map(|(at, id)| Key::new(Timestamp::from_micros(at).unwrap_or_default(), id))
    }

    proptest! {
        #[test]
        fn a_cursor_comes_back_as_its_key(key in any_key(), name in ".{0,20}") {
            let list = ListId::of(&["messages", &name]);
            let token = encode(TokenKind::Cursor, list, key);
            prop_assert!(token.len() <= 512);
            prop_assert_eq!(decode(TokenKind::Cursor, list, &token), Ok(key));
            prop_assert_eq!(decode(TokenKind::AsOf, list, &token), Err(BadCursor::Broken));
            let other = ListId::of(&["messages", &name, ""]);
            prop_assert_eq!(decode(TokenKind::Cursor, other, &token), Err(BadCursor::Foreign));
        }

        #[test]
        fn a_changed_cursor_is_broken(key in any_key(), place in 0..39usize, letter in "[A-Za-z0-9_=+/ -]") {
            let list = ListId::of(&["messages", "1"]);
            let token = encode(TokenKind::Cursor, list, key);
            let mut changed = token.clone();
            changed.replace_range(place..=place, &letter);
            prop_assume!(changed != token);
            prop_assert_eq!(decode(TokenKind::Cursor, list, &changed), Err(BadCursor::Broken));
        }

        #[test]
        fn nothing_lies_between_a_key_and_its_successor(key in any_key(), other in any_key()) {
            prop_assume!(key != Key::MAX);
            prop_assert!(key < key.successor());
            prop_assert!(other <= key || other >= key.successor());
        }
    }

    #[test]
    fn the_parts_of_a_list_do_not_run_together() {
        assert_ne!(ListId::of(&["ab", "c"]), ListId::of(&["a", "bc"]));
    }
}
