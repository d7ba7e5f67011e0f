//! Cells of CSV files that are safe to open in a spreadsheet.
//!
//! A spreadsheet runs a cell that begins with one of certain characters as a formula. Such a text is written with an
//! apostrophe before it, as OWASP recommends, and read back without. Numbers are never escaped: they cannot do harm.

use std::borrow::Cow;

/// The characters that begin a formula, their full-width forms included, and those that end the cell before them.
const DANGEROUS: [char; 11] = ['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠'];
/// Escapes a text. A text that begins with it is escaped too, so that every text comes back as it was.
const APOSTROPHE: char = '\'';

fn begins_escaped(text: &str) -> bool {
    text.starts_with(DANGEROUS) || text.starts_with(APOSTROPHE)
}

/// Returns the cell for a text.
pub fn escape(text: &str) -> Cow<'_, str> {
    if begins_escaped(text) { Cow::Owned(format!("{APOSTROPHE}{text}")) } else { Cow::Borrowed(text) }
}

/// Returns the text of a cell.
pub fn unescape(cell: &str) -> &str {
    cell.strip_prefix(APOSTROPHE).filter(|text| begins_escaped(text)).unwrap_or(cell)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formulas_become_text() {
        for (text, cell) in [
            ("2330", "2330"),
            ("=1+1", "'=1+1"),
            ("+1", "'+1"),
            ("-1", "'-1"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("\t=1", "'\t=1"),
            ("\r=1", "'\r=1"),
            ("＝1", "'＝1"),
            ("'=1", "''=1"),
            ("a=1", "a=1"),
        ] {
            assert_eq!(escape(text), cell);
            assert_eq!(unescape(cell), text);
        }
        assert_eq!(unescape("'n Sync"), "'n Sync", "an apostrophe of the text itself");
    }

    #[test]
    fn every_text_comes_back() {
        let mut texts = vec![String::new()];
        for length in 0..4 {
            let longer: Vec<String> =
                texts.iter().filter(|text| text.chars().count() == length).cloned().collect();
            texts.extend(
                longer.iter().flat_map(|text| "'=-@\t＝a1".chars().map(move |next| format!("{text}{next}"))),
            );
        }
        assert!(texts.len() > 4_000);
        for text in &texts {
            assert_eq!(unescape(&escape(text)), text);
            assert!(!escape(text).starts_with(DANGEROUS), "{text}");
        }
    }
}
