//! The tokens of an answer.

use super::values::{Cell, Column};

const ROW: u8 = 0xd1;
const ROW_WITH_NULLS: u8 = 0xd2;
const DONE: u8 = 0xfd;
const DONE_PROC: u8 = 0xfe;
const DONE_IN_PROC: u8 = 0xff;

const MORE: u16 = 1;
const ERROR: u16 = 2;
const COUNT: u16 = 16;
const ATTENTION: u16 = 32;

/// `Latin1_General_CI_AS`.
pub const COLLATION: [u8; 5] = [0x09, 0x04, 0xd0, 0x00, 0x34];

/// The bytes of an answer.
#[derive(Debug, Default)]
pub struct Tokens(pub Vec<u8>);

/// An error message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    pub number: u32,
    /// Its severity; from 20 on the connection is closed.
    pub class: u8,
    pub text: String,
}

impl Refusal {
    pub fn new(number: u32, class: u8, text: impl Into<String>) -> Self {
        Self { number, class, text: text.into() }
    }
}

fn units(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

/// Encodes a text after its length, one byte.
fn short_text(text: &str) -> Vec<u8> {
    let bytes = units(text);
    let length = u8::try_from(bytes.len() / 2).expect("a short text");
    [vec![length], bytes].concat()
}

impl Tokens {
    /// Appends a token after its length, two bytes.
    fn token(&mut self, kind: u8, body: &[u8]) {
        self.0.push(kind);
        self.0.extend(u16::try_from(body.len()).expect("a short token").to_le_bytes());
        self.0.extend(body);
    }

    pub fn env_text(&mut self, kind: u8, new: &str, old: &str) {
        self.token(0xe3, &[vec![kind], short_text(new), short_text(old)].concat());
    }

    fn env_bytes(&mut self, kind: u8, new: &[u8], old: &[u8]) {
        let (new, old) = ([&[new.len() as u8], new].concat(), [&[old.len() as u8], old].concat());
        self.token(0xe3, &[vec![kind], new, old].concat());
    }

    pub fn collation(&mut self) {
        self.env_bytes(7, &COLLATION, &[]);
    }

    pub fn begun(&mut self, descriptor: u64) {
        self.env_bytes(8, &descriptor.to_le_bytes(), &[]);
    }

    pub fn committed(&mut self, descriptor: u64) {
        self.env_bytes(9, &[], &descriptor.to_le_bytes());
    }

    pub fn rolled_back(&mut self, descriptor: u64) {
        self.env_bytes(10, &[], &descriptor.to_le_bytes());
    }

    /// The bytes of the version are in reverse order.
    pub fn login_ack(&mut self, version: u32) {
        let name = short_text("Microsoft SQL Server");
        self.token(0xad, &[vec![1], version.to_be_bytes().to_vec(), name, vec![16, 0, 0, 0]].concat());
    }

    pub fn error(&mut self, refusal: &Refusal) {
        let mut body = refusal.number.to_le_bytes().to_vec();
        body.extend([1, refusal.class]);
        let text = units(&refusal.text);
        body.extend(((text.len() / 2) as u16).to_le_bytes());
        body.extend(text);
        body.extend([short_text("front"), short_text(""), 1_u32.to_le_bytes().to_vec()].concat());
        self.token(0xaa, &body);
    }

    fn any_done(&mut self, kind: u8, status: u16, rows: u64) {
        self.0.push(kind);
        self.0.extend(status.to_le_bytes());
        self.0.extend(0_u16.to_le_bytes());
        self.0.extend(rows.to_le_bytes());
    }

    /// Appends the end of an answer: status bits and a count.
    pub fn done(&mut self, status: u16, rows: u64) {
        self.any_done(DONE, status, rows);
    }

    /// Appends the end after an attention.
    pub fn attended(&mut self) {
        self.done(ATTENTION, 0);
    }

    /// Appends the end of an answer to a batch or a procedure. `rows` is the number of rows returned or touched, if it
    /// counts.
    pub fn end(&mut self, procedure: bool, rows: Option<u64>) {
        let status = if rows.is_some() { COUNT } else { 0 };
        if procedure {
            self.any_done(DONE_IN_PROC, status | MORE, rows.unwrap_or(0));
            self.0.extend([0x79, 0, 0, 0, 0]);
            self.any_done(DONE_PROC, 0, 0);
        } else {
            self.done(status, rows.unwrap_or(0));
        }
    }

    /// Appends the end after an error.
    pub fn end_refused(&mut self, procedure: bool) {
        self.any_done(if procedure { DONE_PROC } else { DONE }, ERROR, 0);
    }

    pub fn columns(&mut self, columns: &[Column]) {
        self.0.push(0x81);
        self.0.extend((columns.len() as u16).to_le_bytes());
        for column in columns {
            const NULLABLE: u16 = 1;
            self.0.extend(0_u32.to_le_bytes());
            self.0.extend(NULLABLE.to_le_bytes());
            self.0.extend(column.declared.info());
            self.0.extend(short_text(&column.name));
        }
    }

    /// Appends a row; one with nulls begins with a bitmap of them.
    pub fn row(&mut self, columns: &[Column], cells: &[Cell]) -> Result<(), String> {
        let nulls: Vec<bool> = cells.iter().map(|cell| *cell == Cell::Null).collect();
        if nulls.contains(&true) {
            self.0.push(ROW_WITH_NULLS);
            self.0.extend(
                nulls
                    .chunks(8)
                    .map(|bits| bits.iter().rev().fold(0_u8, |byte, null| byte << 1 | u8::from(*null))),
            );
        } else {
            self.0.push(ROW);
        }
        for (column, cell) in columns.iter().zip(cells).filter(|(_, cell)| **cell != Cell::Null) {
            let written = column.declared.write(cell, &mut self.0);
            written.map_err(|problem| format!("column {} {problem}", column.name))?;
        }
        Ok(())
    }
}
