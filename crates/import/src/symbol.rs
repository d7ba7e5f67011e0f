//! Symbols of stocks, as spreadsheets and the exchange write them.

/// Returns the text that a spreadsheet's formula `="X"` stands for, so that it keeps leading zeros; any other text as it is.
pub fn unwrapped(text: &str) -> &str {
    let inner = text.trim().strip_prefix("=\"").and_then(|text| text.strip_suffix('"'));
    inner.filter(|inner| !inner.contains('"')).unwrap_or(text)
}

/// Returns why a symbol cannot be meant: two that look alike would be two stocks.
pub fn reject_reason(symbol: &str) -> Option<&'static str> {
    for character in symbol.chars() {
        if "=\"'`´‘’‚‛“”„‟«»‹›".contains(character) {
            return Some("a symbol has neither quotes nor =");
        }
        if is_invisible(character) {
            return Some("a symbol has no invisible characters");
        }
        if is_full_width(character) {
            return Some("a symbol has no full-width characters");
        }
    }
    None
}

fn is_invisible(character: char) -> bool {
    character.is_control()
        || (character.is_whitespace() && character != ' ')
        || matches!(character,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e0fff}')
}

fn is_full_width(character: char) -> bool {
    matches!(character, '\u{3000}' | '\u{ff01}'..='\u{ff60}' | '\u{ffe0}'..='\u{ffe6}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_formula_of_one_text_is_unwrapped() {
        for (text, meant) in [
            ("=\"0050\"", "0050"),
            (" =\"0050\" ", "0050"),
            ("0050", "0050"),
            ("=0050", "=0050"),
            ("\"0050\"", "\"0050\""),
            ("=\"00\"&\"50\"", "=\"00\"&\"50\""),
            ("=\"", "=\""),
        ] {
            assert_eq!(unwrapped(text), meant, "{text}");
        }
    }

    #[test]
    fn symbols_that_look_alike_are_rejected() {
        for good in ["0050", "00632R", "1312A", "BRK.B", "BRK B", "RDS-A", "台積電", "^TWII"] {
            assert_eq!(reject_reason(good), None, "{good}");
        }
        for bad in [
            "=0050",
            "\"0050",
            "'0050",
            "=1+1",
            "’0050",
            "0050\u{200b}",
            "\u{feff}0050",
            "00\u{a0}50",
            "00\t50",
            "00\0",
            "００５０",
            "0050\u{3000}",
            "0050\u{ad}",
        ] {
            assert!(reject_reason(bad).is_some(), "{bad:?}");
        }
    }
}
