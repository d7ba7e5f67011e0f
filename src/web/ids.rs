//! `ids=string`: ids as texts, for clients whose numbers end at 2^53.
//!
//! The JSON is rewritten as it is sent, so that rows need no second form. An id is a whole number under the key `id` or a
//! key that ends in `_id`.

/// The parameter that every JSON route of the API takes.
pub const PARAMETER: &str = "ids";

/// The form in which ids are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum IdStyle {
    /// As numbers.
    #[default]
    Number,
    /// As texts.
    Text,
}

/// The values of the parameter; numbers are the default.
pub const STYLES: [&str; 2] = ["number", TEXT];

const TEXT: &str = "string";

impl IdStyle {
    /// Returns the style that a query asks for. A query with an unusable value is refused elsewhere.
    pub fn of_query(query: Option<&str>) -> Self {
        let mut pairs = form_urlencoded::parse(query.unwrap_or_default().as_bytes());
        if pairs.any(|(name, value)| name == PARAMETER && value == TEXT) { Self::Text } else { Self::Number }
    }

    /// Returns a writer for one body.
    pub fn writer(self) -> IdWriter {
        IdWriter { style: self, ..IdWriter::default() }
    }
}

/// Rewrites the ids of a JSON body, or of lines of JSON, that comes in parts.
#[derive(Clone, Debug, Default)]
pub struct IdWriter {
    style: IdStyle,
    state: State,
    /// The last text, without its quotes. A key comes directly before its colon.
    text: Vec<u8>,
    /// Whether the next value is that of an id.
    is_id: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Between,
    Text,
    Escape,
    Id,
}

impl IdWriter {
    /// Returns the next part as it is sent. A part may begin or end anywhere.
    pub fn write(&mut self, part: Vec<u8>) -> Vec<u8> {
        if self.style == IdStyle::Number {
            return part;
        }
        let mut written = Vec::with_capacity(part.len() + part.len() / 8);
        for byte in part {
            self.push(byte, &mut written);
        }
        written
    }

    fn push(&mut self, byte: u8, written: &mut Vec<u8>) {
        match (self.state, byte) {
            (State::Escape, _) => {
                self.text.push(byte);
                self.state = State::Text;
            }
            (State::Text, b'\\') => {
                self.text.push(byte);
                self.state = State::Escape;
            }
            (State::Text, b'"') => self.state = State::Between,
            (State::Text, _) => self.text.push(byte),
            (State::Id, b'0'..=b'9') | (State::Between, b' ') => {}
            (State::Id, _) => {
                written.push(b'"');
                self.state = State::Between;
                return self.push(byte, written);
            }
            (State::Between, b'"') => {
                self.text.clear();
                self.is_id = false;
                self.state = State::Text;
            }
            (State::Between, b':') => self.is_id = self.text == b"id" || self.text.ends_with(b"_id"),
            (State::Between, b'-' | b'0'..=b'9') if self.is_id => {
                written.push(b'"');
                self.state = State::Id;
                self.is_id = false;
            }
            (State::Between, _) => self.is_id = false,
        }
        written.push(byte);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Writes `json` in parts of `size` bytes.
    fn written(json: &str, size: usize) -> String {
        let mut writer = IdStyle::Text.writer();
        let parts = json.as_bytes().chunks(size).flat_map(|part| writer.write(part.to_vec()));
        String::from_utf8(parts.collect()).expect("UTF-8")
    }

    #[test]
    fn ids_become_texts_and_nothing_else_does() {
        let json = "{\"id\":1,\"user_id\":-2,\"user2_id\":null,\"total\":3,\"content\":\"\\\"id\\\":4\",\"id\": 5,\
                    \"users\":[{\"id\":9223372036854775807,\"username\":\"id\"}],\"open\":0.10,\"ids\":[6],\"paid\":7,\
                    \"x\":{\"conversation_id\":8}}\n{\"id\":9}";
        let expected = "{\"id\":\"1\",\"user_id\":\"-2\",\"user2_id\":null,\"total\":3,\"content\":\"\\\"id\\\":4\",\
                        \"id\": \"5\",\"users\":[{\"id\":\"9223372036854775807\",\"username\":\"id\"}],\"open\":0.10,\
                        \"ids\":[6],\"paid\":7,\"x\":{\"conversation_id\":\"8\"}}\n{\"id\":\"9\"}";
        for size in [1, 2, 3, 7, 1000] {
            assert_eq!(written(json, size), expected, "in parts of {size} bytes");
        }
        assert_eq!(IdStyle::Number.writer().write(json.into()), json.as_bytes());
    }

    /// Returns `value` with its ids as texts.
    fn with_texts(value: serde_json::Value, is_id: bool) -> serde_json::Value {
        use serde_json::Value;
        match value {
            Value::Object(members) => members
                .into_iter()
                .map(|(key, value)| {
                    let is_id = key == "id" || key.ends_with("_id");
                    (key, with_texts(value, is_id))
                })
                .collect(),
            Value::Array(items) => items.into_iter().map(|item| with_texts(item, false)).collect(),
            Value::Number(number) if is_id => Value::String(number.to_string()),
            other => other,
        }
    }

    fn json() -> impl Strategy<Value = serde_json::Value> {
        let leaf = prop_oneof![
            Just(serde_json::Value::Null),
            any::<bool>().prop_map(Into::into),
            any::<i64>().prop_map(Into::into),
            "[\\x00-\\x7fé股]{0,6}|id|\"id\":1|\\\\".prop_map(Into::into),
        ];
        leaf.prop_recursive(4, 40, 6, |inner| {
            let key = "id|user_id|_id|[a-z\"\\\\:]{0,4}|content";
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..5).prop_map(Into::into),
                prop::collection::hash_map(key, inner, 0..5)
                    .prop_map(|members| serde_json::Value::Object(members.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn any_json_is_rewritten_as_its_parsed_form_would_be(value in json(), size in 1..9_usize) {
            // A body is an object or lines of them.
            let value = serde_json::json!({ "body": value });
            let rewritten: serde_json::Value = serde_json::from_str(&written(&value.to_string(), size)).expect("JSON");
            prop_assert_eq!(rewritten, with_texts(value, false));
        }
    }
}
