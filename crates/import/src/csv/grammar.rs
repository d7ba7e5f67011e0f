//! The grammar of RFC 4180, followed byte by byte to find the mistakes `csv-core` accepts.

/// Where in the grammar the last byte left off.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    FieldStart,
    Plain,
    Quoted,
    /// After a quote inside quotes: the first of a pair, or the end of the field.
    Quote,
    /// After a carriage return outside quotes: half a line end, or content.
    Return {
        after_quote: bool,
    },
}

/// Follows the bytes of one record.
#[derive(Debug, Default)]
pub struct Grammar {
    state: State,
    /// Bytes of the record without its line end, once it is complete.
    pub length: usize,
    /// Whether the line ended in `\r\n`.
    pub crlf: bool,
    /// The line of the first text after a closing quote.
    pub broken_on: Option<u64>,
}

impl Grammar {
    /// Follows `bytes`, of which the first lies on `line`. Returns how many lines end among them.
    pub fn follow(&mut self, bytes: &[u8], line: u64) -> u64 {
        let mut lines = 0;
        for &byte in bytes {
            self.length += 1;
            let after_quote = matches!(self.state, State::Quote | State::Return { after_quote: true });
            self.state = match (self.state, byte) {
                (State::Quoted, b'"') => State::Quote,
                (State::Quoted, _) | (State::FieldStart | State::Quote, b'"') => State::Quoted,
                (State::Return { .. }, b'\n') => {
                    self.length -= 2;
                    self.crlf = true;
                    State::FieldStart
                }
                (_, b'\n') => {
                    self.length -= 1;
                    State::FieldStart
                }
                (State::Return { after_quote: true }, _) => self.broken(line + lines),
                (_, b',') => State::FieldStart,
                (_, b'\r') => State::Return { after_quote },
                (State::Quote, _) => self.broken(line + lines),
                _ => State::Plain,
            };
            lines += u64::from(byte == b'\n');
        }
        lines
    }

    /// Returns whether the last byte lies inside quotes.
    pub fn in_quotes(&self) -> bool {
        self.state == State::Quoted
    }

    fn broken(&mut self, line: u64) -> State {
        self.broken_on.get_or_insert(line);
        State::Plain
    }
}
