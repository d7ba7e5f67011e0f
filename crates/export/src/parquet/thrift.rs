//! The compact protocol of Thrift, in which Parquet writes what it says about its data.

use std::collections::BTreeMap;

/// A value.
#[derive(Clone, Debug)]
pub enum Item {
    Bool(bool),
    Int(i64),
    Text(Vec<u8>),
    List(Vec<Self>),
    Struct(Fields),
}

/// The fields of a structure by their numbers.
#[derive(Clone, Debug, Default)]
pub struct Fields(BTreeMap<u8, (Width, Item)>);

/// How a number is declared. It is written alike, under another type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Width {
    Bits32,
    Bits64,
}

const I32: u8 = 5;
const I64: u8 = 6;
const BINARY: u8 = 8;
const LIST: u8 = 9;
const STRUCT: u8 = 12;

impl Fields {
    fn with(mut self, number: u8, width: Width, item: Item) -> Self {
        self.0.insert(number, (width, item));
        self
    }

    pub fn i32(self, number: u8, value: i64) -> Self {
        self.with(number, Width::Bits32, Item::Int(value))
    }

    pub fn i64(self, number: u8, value: i64) -> Self {
        self.with(number, Width::Bits64, Item::Int(value))
    }

    pub fn flag(self, number: u8, value: bool) -> Self {
        self.with(number, Width::Bits32, Item::Bool(value))
    }

    pub fn text(self, number: u8, text: &str) -> Self {
        self.with(number, Width::Bits32, Item::Text(text.as_bytes().to_vec()))
    }

    pub fn list(self, number: u8, items: Vec<Item>) -> Self {
        self.with(number, Width::Bits32, Item::List(items))
    }

    pub fn fields(self, number: u8, fields: Self) -> Self {
        self.with(number, Width::Bits32, Item::Struct(fields))
    }

    pub fn int(&self, number: u8) -> Option<i64> {
        if let Some((_, Item::Int(value))) = self.0.get(&number) { Some(*value) } else { None }
    }

    pub fn bytes(&self, number: u8) -> Option<&[u8]> {
        if let Some((_, Item::Text(text))) = self.0.get(&number) { Some(text) } else { None }
    }

    pub fn items(&self, number: u8) -> &[Item] {
        if let Some((_, Item::List(items))) = self.0.get(&number) { items } else { &[] }
    }

    pub fn inner(&self, number: u8) -> Option<&Self> {
        if let Some((_, Item::Struct(fields))) = self.0.get(&number) { Some(fields) } else { None }
    }

    pub fn write(&self, out: &mut Vec<u8>) {
        let mut last = 0;
        for (number, (width, item)) in &self.0 {
            let kind = match item {
                Item::Bool(true) => 1,
                Item::Bool(false) => 2,
                Item::Int(_) if *width == Width::Bits32 => I32,
                Item::Int(_) => I64,
                Item::Text(_) => BINARY,
                Item::List(_) => LIST,
                Item::Struct(_) => STRUCT,
            };
            // No structure skips as many numbers as would need the long form.
            out.push((number - last) << 4 | kind);
            last = *number;
            item.write(out);
        }
        out.push(0);
    }

    /// Reads a structure from the front of `bytes`; `None` when it is cut or holds what Parquet does not use.
    pub fn read(bytes: &mut &[u8]) -> Option<Self> {
        let (mut fields, mut last) = (Self::default(), 0);
        loop {
            let head = byte(bytes)?;
            if head == 0 {
                return Some(fields);
            }
            let number = match head >> 4 {
                0 => u8::try_from(unzigzag(varint(bytes)?)).ok()?,
                delta => last + delta,
            };
            last = number;
            let item = match head & 15 {
                1 => Item::Bool(true),
                2 => Item::Bool(false),
                kind => Item::read(kind, bytes)?,
            };
            fields.0.insert(number, (Width::Bits64, item));
        }
    }
}

impl Item {
    fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Bool(_) => {}
            Self::Int(value) => put_varint(out, zigzag(*value)),
            Self::Text(text) => {
                put_varint(out, text.len() as u64);
                out.extend(text);
            }
            Self::List(items) => {
                let kind = match items.first() {
                    Some(Self::Struct(_)) => STRUCT,
                    Some(Self::Text(_)) => BINARY,
                    _ => I32,
                };
                if items.len() < 15 {
                    out.push((items.len() as u8) << 4 | kind);
                } else {
                    out.push(0xf0 | kind);
                    put_varint(out, items.len() as u64);
                }
                for item in items {
                    item.write(out);
                }
            }
            Self::Struct(fields) => fields.write(out),
        }
    }

    fn read(kind: u8, bytes: &mut &[u8]) -> Option<Self> {
        Some(match kind {
            3 => Self::Int(byte(bytes)?.into()),
            4..=6 => Self::Int(unzigzag(varint(bytes)?)),
            BINARY => {
                let length = usize::try_from(varint(bytes)?).ok()?;
                let (text, rest) = bytes.split_at_checked(length)?;
                *bytes = rest;
                Self::Text(text.to_vec())
            }
            LIST => {
                let head = byte(bytes)?;
                let length = if head >> 4 == 15 { varint(bytes)? } else { (head >> 4).into() };
                Self::List((0..length).map(|_| Self::read(head & 15, bytes)).collect::<Option<_>>()?)
            }
            STRUCT => Self::Struct(Fields::read(bytes)?),
            _ => return None,
        })
    }
}

const fn zigzag(value: i64) -> u64 {
    ((value << 1) ^ (value >> 63)) as u64
}

const fn unzigzag(value: u64) -> i64 {
    (value >> 1) as i64 ^ -((value & 1) as i64)
}

pub fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

pub fn varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let next = byte(bytes)?;
        value |= u64::from(next & 0x7f) << shift;
        if next < 0x80 {
            return Some(value);
        }
    }
    None
}

fn byte(bytes: &mut &[u8]) -> Option<u8> {
    let (first, rest) = bytes.split_first()?;
    *bytes = rest;
    Some(*first)
}
