//! Signatures of texts: which texts cannot be in a block of rows, without reading it.
//!
//! A signature is a Bloom filter of **grams**: every two adjacent characters of a text, and every three and four that are all
//! ASCII. Pairs alone find nothing in a thousand English messages, which hold nearly every pair of letters; longer runs of other
//! scripts add little to their pairs. ASCII letters count in lower case, as a search matches them. A text that contains another one
//! has all of its grams, so a signature may let a search read a block in vain, and never hides a row.
//!
//! Pure. Signatures are stored: what this module computes must not change without a migration that deletes them.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

/// The number of [`Probes`].
pub const PROBES: usize = 16;

/// The most bits for each distinct gram: more would hardly be read.
const BITS_FOR_GRAM: usize = 12;
/// The largest part of the bytes of the texts, in percent.
const PERCENT: usize = 15;
/// A signature of few bytes need not be smaller than this.
const SMALL: usize = 512;
/// No signature is larger than this.
const LARGEST: usize = 64 * 1024;
/// The largest signature that stays in its row in PostgreSQL, where it is read fastest.
const INLINE: usize = 8_000;

/// Numbers that name the bits a text needs: in a signature of `n` bytes, bit `probe % 8` of byte `probe / 8 % n`.
pub type Probes = [i64; PROBES];

/// The kind of a gram, by its characters.
///
/// A word in ASCII has many grams, so a few bits for each are enough. In other scripts a search is often for two characters, which are
/// one gram, so that gram sets more bits. `docs/performance.md` compares numbers of bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// Two ASCII characters.
    Two,
    /// Three ASCII characters.
    Three,
    /// Four ASCII characters.
    Four,
    /// Two characters of which one is not ASCII.
    Wide,
}

impl Kind {
    /// Returns the number of bits that a gram sets.
    const fn bits(self) -> u32 {
        match self {
            Self::Two | Self::Four => 1,
            Self::Three => 2,
            Self::Wide => 5,
        }
    }

    /// Returns how much a gram says about its text: those that say most are looked up first.
    const fn weight(self) -> u8 {
        match self {
            Self::Two => 0,
            Self::Three => 1,
            Self::Four | Self::Wide => 2,
        }
    }
}

/// A gram: a hash of its characters.
#[derive(Clone, Copy, Debug)]
struct Gram {
    hash: u64,
    kind: Kind,
}

impl Gram {
    /// Returns the numbers of 31 bits that name its bits.
    fn bits(self) -> impl Iterator<Item = i64> {
        let (first, step) = (self.hash & 0x7fff_ffff, self.hash >> 33 | 1);
        (0..self.kind.bits()).map(move |n| ((first + u64::from(n) * step) & 0x7fff_ffff).cast_signed())
    }
}

/// A hasher of numbers that are hashes already.
#[derive(Debug, Default)]
struct Mixed(u64);

impl Hasher for Mixed {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0 << 8 | u64::from(*byte);
        }
    }

    fn write_u64(&mut self, number: u64) {
        self.0 = number;
    }
}

/// Collects the grams of texts.
#[derive(Debug, Default)]
pub struct Collector {
    grams: HashMap<u64, Kind, BuildHasherDefault<Mixed>>,
    bytes: usize,
}

impl Collector {
    /// Adds a text.
    pub fn add(&mut self, text: &str) {
        self.bytes += text.len();
        each_gram(text, |gram| {
            self.grams.insert(gram.hash, gram.kind);
        });
    }

    /// Returns the signature of the texts.
    pub fn signature(&self) -> Vec<u8> {
        let wanted = (self.grams.len() * BITS_FOR_GRAM).div_ceil(8).max(1);
        let most = (self.bytes * PERCENT / 100).clamp(SMALL, LARGEST);
        let size = match wanted.min(most) {
            size if size > INLINE && size <= INLINE + INLINE / 5 => INLINE,
            size => size,
        };
        let mut bits = vec![0_u8; size];
        for (&hash, &kind) in &self.grams {
            for probe in (Gram { hash, kind }).bits() {
                let probe = probe as usize;
                bits[probe / 8 % size] |= 1 << (probe % 8);
            }
        }
        bits
    }
}

/// Returns the bits that a text to find needs; `None` for a text of one character, which has no grams.
///
/// The grams that say most come first. Of those that say the same, each gives one bit before any gives another, and if there are more
/// than fit, those taken lie evenly over the text.
pub fn probes(text: &str) -> Option<Probes> {
    let mut grams = Vec::new();
    each_gram(text, |gram| grams.push(gram));
    grams.sort_by_key(|gram| std::cmp::Reverse(gram.kind.weight()));
    let mut bits = Vec::new();
    for equal in grams.chunk_by(|one, other| one.kind.weight() == other.kind.weight()) {
        let taken = || equal.iter().step_by(equal.len().div_ceil(PROBES));
        for nth in 0..Kind::Wide.bits() as usize {
            bits.extend(taken().filter_map(|gram| gram.bits().nth(nth)));
        }
    }
    if bits.is_empty() {
        return None;
    }
    let mut probes = [0; PROBES];
    for (probe, bit) in probes.iter_mut().zip(bits.iter().cycle()) {
        *probe = *bit;
    }
    Some(probes)
}

/// Returns whether a signature has all grams of a text, so that no part of it is hidden.
pub fn covers(signature: &[u8], text: &str) -> bool {
    let mut covers = true;
    each_gram(text, |gram| covers &= gram.bits().all(|probe| is_set(signature, probe)));
    covers
}

fn is_set(signature: &[u8], probe: i64) -> bool {
    let probe = probe as usize;
    !signature.is_empty() && signature[probe / 8 % signature.len()] >> (probe % 8) & 1 == 1
}

/// Returns whether a signature has all bits of a text.
pub fn has(signature: &[u8], probes: &Probes) -> bool {
    probes.iter().all(|probe| is_set(signature, *probe))
}

/// Calls `found` with each gram of a text.
fn each_gram(text: &str, mut found: impl FnMut(Gram)) {
    // The last ASCII characters, and how many there are without another one between.
    let (mut run, mut length, mut before) = (0_u64, 0, None);
    let mut found = |kind, length, characters| found(Gram { hash: mixed(length, characters), kind });
    for character in text.chars().map(|character| character.to_ascii_lowercase()) {
        let code = u64::from(u32::from(character));
        if character.is_ascii() {
            (run, length) = (run << 8 | code, length + 1);
        } else {
            length = 0;
        }
        if let Some(before) = before.replace(code) {
            found(if length >= 2 { Kind::Two } else { Kind::Wide }, 2, before << 21 | code);
        }
        if length >= 3 {
            found(Kind::Three, 3, run & 0xff_ffff);
        }
        if length >= 4 {
            found(Kind::Four, 4, run & 0xffff_ffff);
        }
    }
}

/// Spreads a gram of at most 42 bits over 64.
const fn mixed(length: u64, gram: u64) -> u64 {
    // The finisher of SplitMix64, which maps no two numbers to one.
    let mut bits = (length << 42 | gram).wrapping_add(0x9e37_79b9_7f4a_7c15);
    bits = (bits ^ bits >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ bits >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ bits >> 31
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn signature(texts: &[String]) -> Vec<u8> {
        let mut collector = Collector::default();
        for text in texts {
            collector.add(text);
        }
        collector.signature()
    }

    proptest! {
        /// A part of a text is never missed, in any case of its ASCII letters.
        #[test]
        fn a_signature_hides_no_part(
            texts in proptest::collection::vec("[a-dA-D %_\u{4e00}-\u{4e20}\u{1f600}-\u{1f605}É]{0,40}", 1..40),
            nth in any::<proptest::sample::Index>(), from in 0..40usize, length in 1..40usize, upper: bool,
        ) {
            let signature = signature(&texts);
            let part: String = nth.get(&texts).chars().skip(from).take(length).collect();
            let part = if upper { part.to_ascii_uppercase() } else { part };
            if let Some(probes) = probes(&part) {
                prop_assert!(has(&signature, &probes), "{part:?}");
            }
        }

        #[test]
        fn only_a_single_character_has_no_grams(text in "\\PC{0,20}") {
            prop_assert_eq!(probes(&text).is_none(), text.chars().count() < 2);
        }
    }

    #[test]
    fn texts_that_are_not_there_are_told_apart() {
        let texts: Vec<String> =
            (0..1000).map(|n| format!("The price of 台積電 was {n} at noon \u{1f600}")).collect();
        let signature = signature(&texts);
        for found in ["PRICE of", "積電", "電 w", "n \u{1f600}", "on", "was 999 at noon"] {
            assert!(has(&signature, &probes(found).expect("grams")), "{found}");
        }
        for missing in ["dividend", "cat", "qx", "聯電", "台電", "\u{1f600}\u{1f601}"] {
            assert!(!has(&signature, &probes(missing).expect("grams")), "{missing}");
        }
    }

    /// Signatures are stored: another result would hide rows.
    #[test]
    fn the_bits_of_a_text_do_not_change() {
        let probes = probes("Quarz 台積").expect("grams");
        let sum = probes.iter().fold(0_i64, |sum, probe| sum.wrapping_mul(31).wrapping_add(*probe));
        assert_eq!(sum, 2_097_824_269_483_755_780);
        let texts = ["Quarz 台積".to_owned()];
        let bits = signature(&texts)
            .iter()
            .fold(0_u64, |sum, byte| sum.wrapping_mul(31).wrapping_add(u64::from(*byte)));
        assert_eq!(bits, 13_655_088_597_993_349_766);
    }

    #[test]
    fn a_signature_is_a_small_part_of_its_texts() {
        let texts: Vec<String> =
            (0..1000_u64).map(|n| format!("{:x} {:x}", mixed(1, n), mixed(2, n))).collect();
        let bytes: usize = texts.iter().map(String::len).sum();
        assert!(signature(&texts).len() <= bytes * PERCENT / 100);
    }
}
