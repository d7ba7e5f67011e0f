//! The digest that proves that a batch arrived unchanged: the sum of the digests of its rows.

use std::fmt;
use std::num::ParseIntError;
use std::str::FromStr;

use thermocline_database::Value;

/// The sum of the digests of some rows. It does not depend on their order, and rows can be subtracted again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Digest(u128);

impl Digest {
    /// Adds a row of `table`, with its values in declared order.
    pub fn add(&mut self, table: &str, row: &[Value]) {
        self.0 = self.0.wrapping_add(of_row(table, row));
    }

    /// Returns the digest without the rows of `other`.
    #[must_use]
    pub fn without(self, other: Self) -> Self {
        Self(self.0.wrapping_sub(other.0))
    }
}

impl FromStr for Digest {
    type Err = ParseIntError;

    fn from_str(text: &str) -> Result<Self, ParseIntError> {
        u128::from_str_radix(text, 16).map(Self)
    }
}

impl fmt::Display for Digest {
    /// 32 hexadecimal digits.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

/// Returns 128 bits of BLAKE3 over the canonical encoding: the table, then each value as a tag, a length and its bytes.
/// No two rows share an encoding, and it does not depend on how an engine writes a value.
fn of_row(table: &str, row: &[Value]) -> u128 {
    let mut encoded = Vec::with_capacity(512);
    let mut put = |tag: u8, bytes: &[u8]| {
        encoded.push(tag);
        encoded.extend_from_slice(&(bytes.len() as u64).to_le_bytes());
        encoded.extend_from_slice(bytes);
    };
    put(b'T', table.as_bytes());
    for value in row {
        match value {
            Value::Null(_) => put(b'0', &[]),
            Value::Int(int) => put(b'i', &int.to_le_bytes()),
            Value::Bool(bit) => put(b'b', &[u8::from(*bit)]),
            Value::Text(text) => put(b't', text.as_bytes()),
            Value::Bytes(bytes) => put(b'y', bytes),
            Value::Time(at) => put(b'a', &at.micros().to_le_bytes()),
            Value::Date(day) => put(b'd', day.to_string().as_bytes()),
            Value::Price(price) => put(b'p', price.normalize().to_string().as_bytes()),
            Value::Ints(ints) => ints.iter().for_each(|int| put(b'l', &int.to_le_bytes())),
        }
    }
    let mut half = [0; 16];
    half.copy_from_slice(&blake3::hash(&encoded).as_bytes()[..16]);
    u128::from_le_bytes(half)
}

#[cfg(test)]
mod tests {
    use super::*;
    use thermocline_core::table::ColumnType;

    fn of(rows: &[&[Value]]) -> Digest {
        let mut digest = Digest::default();
        for row in rows {
            digest.add("t", row);
        }
        digest
    }

    #[test]
    fn depends_on_contents_and_not_on_order() {
        let (a, b): (&[Value], &[Value]) = (&[1.into(), "x".into()], &[2.into(), "".into()]);
        assert_eq!(of(&[a, b]), of(&[b, a]));
        assert_ne!(of(&[a, b]), of(&[a, a]));
        assert_ne!(of(&[&["ab".into(), "c".into()]]), of(&[&["a".into(), "bc".into()]]));
        assert_ne!(of(&[&[Value::Null(ColumnType::Text)]]), of(&[&["".into()]]));
        assert_ne!(of(&[&[Value::Null(ColumnType::Price)]]), of(&[&[rust_decimal::Decimal::ZERO.into()]]));
    }

    #[test]
    fn rows_can_be_subtracted() {
        let (a, b): (&[Value], &[Value]) = (&[1.into(), "x".into()], &[2.into(), "".into()]);
        assert_eq!(of(&[a, b]).without(of(&[a])), of(&[b]));
        assert_eq!(of(&[a]).without(of(&[a])), Digest::default());
        assert_eq!(of(&[a]).to_string().parse(), Ok(of(&[a])));
    }

    #[test]
    fn price_scale_does_not_change_the_digest() {
        let price = |text: &str| Value::Price(text.parse().expect("a decimal"));
        assert_eq!(of(&[&[price("96.50")]]), of(&[&[price("96.5")]]));
        assert_ne!(of(&[&[price("96.50")]]), of(&[&[price("96.05")]]));
    }
}
