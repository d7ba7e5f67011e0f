//! The syntaxes of connection strings: lists of names and values, and percent-encoding in URLs.
//!
//! Errors never repeat a value, which may be a password.

/// Names and values in the order in which they stand.
pub(crate) type Pairs = Vec<(String, String)>;

/// Reads `name=value;name=value`, as ADO.NET, ODBC and JDBC write it. A value in `'…'` or `"…"` doubles the quote inside it, one in
/// `{…}` doubles the closing brace.
pub(crate) fn semicolons(text: &str) -> Result<Pairs, String> {
    let mut pairs = Pairs::new();
    let mut rest = text.trim_start_matches([';', ' ']);
    while !rest.trim().is_empty() {
        let (name, after) = rest.split_once('=').ok_or("a part has no =; a ; in a value needs quotes")?;
        if name.contains(';') {
            return Err("a part has no =; a ; in a value needs quotes".to_owned());
        }
        let after = after.trim_start();
        let (value, after) = match after.chars().next() {
            Some(quote @ ('\'' | '"')) => quoted(&after[1..], quote)?,
            Some('{') => quoted(&after[1..], '}')?,
            _ => {
                let (value, after) = after.split_once(';').unwrap_or((after, ""));
                (value.trim().to_owned(), after)
            }
        };
        pairs.push((name.trim().to_owned(), value));
        rest = after.trim_start_matches([';', ' ']);
    }
    Ok(pairs)
}

/// Returns a quoted value and the rest of the list behind its closing `quote`, which is doubled inside the value.
fn quoted(text: &str, quote: char) -> Result<(String, &str), String> {
    let mut value = String::new();
    let mut rest = text;
    loop {
        let (part, after) = rest.split_once(quote).ok_or("a quote is not closed")?;
        value.push_str(part);
        match after.strip_prefix(quote) {
            Some(after) => {
                value.push(quote);
                rest = after;
            }
            None if after.trim_start().is_empty() || after.trim_start().starts_with(';') => {
                return Ok((value, after.trim_start()));
            }
            None => return Err("a quoted value is followed by something other than ;".to_owned()),
        }
    }
}

/// Reads `name=value name='value'`, as libpq writes it. A backslash escapes the character behind it.
pub(crate) fn keywords(text: &str) -> Result<Pairs, String> {
    let mut pairs = Pairs::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let (name, after) = rest.split_once('=').ok_or("a part has no =")?;
        let name = name.trim_end();
        if name.is_empty() || name.contains(char::is_whitespace) {
            return Err("a part has no =; a value with spaces needs quotes".to_owned());
        }
        let (value, after) = keyword_value(after.trim_start())?;
        pairs.push((name.to_owned(), value));
        rest = after.trim_start();
    }
    Ok(pairs)
}

fn keyword_value(text: &str) -> Result<(String, &str), String> {
    let is_quoted = text.starts_with('\'');
    let mut value = String::new();
    let mut characters = text.char_indices().skip(usize::from(is_quoted));
    while let Some((at, character)) = characters.next() {
        match character {
            '\\' => value.extend(characters.next().map(|(_, escaped)| escaped)),
            '\'' if is_quoted => return Ok((value, &text[at + 1..])),
            _ if character.is_whitespace() && !is_quoted => return Ok((value, &text[at..])),
            _ => value.push(character),
        }
    }
    if is_quoted { Err("a quote is not closed".to_owned()) } else { Ok((value, "")) }
}

/// Reads the parameters of a URL: `name=value&name=value` with `%XX` and `+` for a space.
pub(crate) fn query(text: &str) -> Pairs {
    form_urlencoded::parse(text.as_bytes()).into_owned().collect()
}

/// Decodes `%XX` in a part of a URL.
pub(crate) fn decoded(text: &str) -> Result<String, String> {
    let fault = || "a % is not followed by two hexadecimal digits; a % itself is written %25".to_owned();
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        if byte == b'%' {
            let digits =
                after.get(..2).and_then(|digits| std::str::from_utf8(digits).ok()).ok_or_else(fault)?;
            if !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
                return Err(fault());
            }
            bytes.push(u8::from_str_radix(digits, 16).map_err(|_| fault())?);
            rest = &after[2..];
        } else {
            bytes.push(byte);
            rest = after;
        }
    }
    String::from_utf8(bytes).map_err(|_| "is not UTF-8 when decoded".to_owned())
}

/// Encodes `text` so that it can stand anywhere in a URL.
pub(crate) fn encoded(text: &str) -> String {
    let escape = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    text.bytes().map(escape).collect()
}

/// Returns the error for a parameter that nobody knows. It is named only if it cannot be a piece of a password.
pub(crate) fn unknown(name: &str) -> String {
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || b"_- .[]".contains(&byte);
    if name.len() <= 40 && !name.is_empty() && name.bytes().all(is_word) {
        format!("unknown parameter {name:?}")
    } else {
        "unknown parameter; a ? in a password is written %3F".to_owned()
    }
}

/// Reads a switch.
pub(crate) fn switch(name: &str, text: &str) -> Result<bool, String> {
    match text.to_ascii_lowercase().as_str() {
        "yes" | "true" | "1" | "on" => Ok(true),
        "no" | "false" | "0" | "off" => Ok(false),
        _ => Err(format!("{name}: expected yes or no")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(list: &[(&str, &str)]) -> Pairs {
        list.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn values_of_semicolon_lists_can_be_quoted() {
        let text = "Server=tcp:h,1433; PWD={a;b}}c} ;Database='it''s';user id = \"a\"\"b\" ;Encrypt=yes;";
        let expected = [
            ("Server", "tcp:h,1433"),
            ("PWD", "a;b}c"),
            ("Database", "it's"),
            ("user id", "a\"b"),
            ("Encrypt", "yes"),
        ];
        assert_eq!(semicolons(text), Ok(pairs(&expected)));
        assert_eq!(semicolons("Password=a=b=="), Ok(pairs(&[("Password", "a=b==")])));
        for bad in ["hunter2", "a=b;hunter2", "a='hunter2", "a={hunter2", "a='b'hunter2;c=d", "hunter2;a=b"] {
            let fault = semicolons(bad).expect_err(bad);
            assert!(!fault.contains("hunter2"), "{fault}");
        }
    }

    #[test]
    fn values_of_keyword_lists_can_be_quoted() {
        let text = r"host=h port = 5432 password='it\'s a \\' user=a\ b dbname=''";
        let expected =
            [("host", "h"), ("port", "5432"), ("password", "it's a \\"), ("user", "a b"), ("dbname", "")];
        assert_eq!(keywords(text), Ok(pairs(&expected)));
        for bad in ["hunter2", "a=b hunter2", "a='hunter2"] {
            let fault = keywords(bad).expect_err(bad);
            assert!(!fault.contains("hunter2"), "{fault}");
        }
    }

    #[test]
    fn any_text_is_encoded_for_a_url() {
        assert_eq!(encoded("p@:/?#[] ü%"), "p%40%3A%2F%3F%23%5B%5D%20%C3%BC%25");
        assert_eq!(encoded("aZ09-._~"), "aZ09-._~");
    }
}
