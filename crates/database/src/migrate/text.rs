//! The text of a migration: its statements, and what it drops.
//!
//! Texts are split so that a failure can name its statement, and because some statements must be sent alone.

/// The separator of SQL Server's batches: only the next batch may refer to objects a batch creates.
const BATCH: &str = "GO";

/// A part of a script that is sent separately.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part<'a> {
    /// The line it begins at, from 1.
    pub line: usize,
    /// The text.
    pub text: &'a str,
}

/// A table or column that a script drops.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dropped {
    /// The table.
    pub table: String,
    /// The column; `None` for the whole table.
    pub column: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Token {
    /// Space and comments.
    Gap,
    /// A word, or a quoted name.
    Word,
    /// Text between quotes or dollars.
    Quoted,
    End,
    Other,
}

/// Returns the first token of `rest`, which is not empty, and its length in bytes.
fn token(rest: &str) -> (Token, usize) {
    let until =
        |end: &str, from: usize| rest[from..].find(end).map_or(rest.len(), |at| from + at + end.len());
    let first = rest.chars().next().unwrap_or(' ');
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let word = rest.find(|c: char| !is_word(c)).unwrap_or(rest.len());
    match first {
        _ if rest.starts_with("--") => (Token::Gap, until("\n", 2)),
        _ if rest.starts_with("/*") => (Token::Gap, until("*/", 2)),
        '\'' => (Token::Quoted, until("'", 1)),
        '"' => (Token::Word, until("\"", 1)),
        '$' => match rest[1..].split_once('$') {
            Some((tag, _)) if tag.chars().all(is_word) => {
                let tag = &rest[..tag.len() + 2];
                (Token::Quoted, until(tag, tag.len()))
            }
            _ => (Token::Other, 1),
        },
        ';' => (Token::End, 1),
        c if c.is_whitespace() => (Token::Gap, c.len_utf8()),
        c if is_word(c) => (Token::Word, word),
        c => (Token::Other, c.len_utf8()),
    }
}

/// Returns each token with its offset.
fn tokens(text: &str) -> impl Iterator<Item = (usize, Token, &str)> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let rest = text.get(at..).filter(|rest| !rest.is_empty())?;
        let (token, length) = token(rest);
        let found = (at, token, &rest[..length]);
        at += length;
        Some(found)
    })
}

/// Returns the statements of a script, without comments and space around them.
pub fn statements(text: &str) -> Vec<Part<'_>> {
    let mut parts = Vec::new();
    // The start of the statement, its first words, and the depth of BEGIN and CASE.
    let (mut begun, mut words, mut open) = (None, 0, 0_usize);
    let mut has_body = false;
    for (at, token, shown) in tokens(text) {
        if token == Token::Gap {
            continue;
        }
        if token == Token::End && open == 0 {
            if let Some(start) = begun.take() {
                parts.push(part(text, start, at));
            }
            (words, has_body) = (0, false);
            continue;
        }
        begun = begun.or(Some(at));
        if token == Token::Word {
            words += 1;
            let is = |names: &[&str]| names.iter().any(|name| shown.eq_ignore_ascii_case(name));
            has_body |= (2..=5).contains(&words) && is(&["TRIGGER", "FUNCTION", "PROCEDURE"]);
            if has_body && is(&["BEGIN", "CASE"]) {
                open += 1;
            } else if has_body && is(&["END"]) {
                open = open.saturating_sub(1);
            }
        }
    }
    parts.extend(begun.map(|start| part(text, start, text.len())));
    parts
}

fn part(text: &str, start: usize, end: usize) -> Part<'_> {
    Part { line: 1 + text[..start].matches('\n').count(), text: text[start..end].trim_end() }
}

/// Returns the batches of a script, separated by `GO` lines.
pub fn batches(text: &str) -> Vec<Part<'_>> {
    let (mut parts, mut start, mut at) = (Vec::new(), 0, 0);
    for line in text.split_inclusive('\n') {
        if line.trim() == BATCH {
            parts.push((start, at));
            start = at + line.len();
        }
        at += line.len();
    }
    parts.push((start, at));
    let whole = |(start, end): (usize, usize)| Part {
        line: 1 + text[..start].matches('\n').count(),
        text: &text[start..end],
    };
    parts.into_iter().map(whole).filter(|part| !part.text.trim().is_empty()).collect()
}

/// Returns the tables and columns a script drops, in order. A table that is rebuilt under its old name is not dropped.
pub fn dropped(text: &str) -> Vec<Dropped> {
    let mut found: Vec<Dropped> = Vec::new();
    for part in statements(text) {
        let words: Vec<&str> = tokens(part.text)
            .filter(|(_, token, shown)| *token == Token::Word || *shown == ",")
            .map(|(_, _, shown)| shown.trim_matches('"'))
            .filter(|word| !["IF", "EXISTS", "ONLY", "CASCADE"].iter().any(|w| word.eq_ignore_ascii_case(w)))
            .collect();
        let says = |at: usize, names: &[&str]| {
            names
                .iter()
                .enumerate()
                .all(|(n, name)| words.get(at + n).is_some_and(|w| w.eq_ignore_ascii_case(name)))
        };
        if says(0, &["DROP", "TABLE"]) {
            let tables = words[2..].iter().filter(|word| **word != ",");
            found.extend(tables.map(|table| Dropped { table: (*table).to_owned(), column: None }));
        } else if says(0, &["ALTER", "TABLE"]) {
            let Some(table) = words.get(2) else { continue };
            if says(3, &["RENAME", "TO"]) {
                found.retain(|dropped| words.get(5) != Some(&dropped.table.as_str()));
            }
            let columns = (3..words.len()).filter(|at| says(*at, &["DROP", "COLUMN"]));
            for column in columns.filter_map(|at| words.get(at + 2)) {
                found.push(Dropped { table: (*table).to_owned(), column: Some((*column).to_owned()) });
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(text: &str) -> Vec<(usize, &str)> {
        statements(text).into_iter().map(|part| (part.line, part.text)).collect()
    }

    #[test]
    fn statements_end_where_their_semicolons_do() {
        let text = "-- one; two\nA 'x;''y';\n\n/* ; */ B \"c;d\" -- ;\n;;\nDO $$ BEGIN; END $$;\nE $t$ ; $$ $t$, $1;\nF";
        assert_eq!(
            cut(text),
            [
                (2, "A 'x;''y'"),
                (4, "B \"c;d\" -- ;"),
                (6, "DO $$ BEGIN; END $$"),
                (7, "E $t$ ; $$ $t$, $1"),
                (8, "F")
            ]
        );
        assert!(cut(" -- nothing\n;\n").is_empty());
    }

    #[test]
    fn a_trigger_is_one_statement() {
        let trigger = "CREATE TRIGGER t AFTER DELETE ON x BEGIN\n  SELECT CASE WHEN 1 THEN 2 END;\n  DELETE FROM y;\nEND";
        assert_eq!(cut(&format!("{trigger};\nSELECT 1;")), [(1, trigger), (5, "SELECT 1")]);
    }

    #[test]
    fn batches_are_cut_at_go() {
        let parts: Vec<_> =
            batches("-- a\nGO\n\n  GO \nb\nGOTO\n").into_iter().map(|p| (p.line, p.text)).collect();
        assert_eq!(parts, [(1, "-- a\n"), (5, "b\nGOTO\n")]);
    }

    #[test]
    fn what_is_dropped_is_known() {
        let text = "DROP TABLE a; drop table if exists \"b\", c;\nALTER TABLE d DROP COLUMN e, DROP CONSTRAINT f, DROP COLUMN g;
            ALTER TABLE h DROP COLUMN IF EXISTS i; DROP INDEX j;
            CREATE TABLE new_k (x INT); INSERT INTO new_k SELECT x FROM k; DROP TABLE k; ALTER TABLE new_k RENAME TO k;";
        let shown: Vec<String> = dropped(text)
            .into_iter()
            .map(|d| d.column.map_or(d.table.clone(), |column| format!("{}.{column}", d.table)))
            .collect();
        assert_eq!(shown, ["a", "b", "c", "d.e", "d.g", "h.i"]);
    }
}
