//! Values on the wire, in both directions. SQLite stores instants and days as microseconds and prices as text.

use rust_decimal::Decimal;
use sqlx::Arguments as _;
use sqlx::sqlite::SqliteArguments;
use thermocline::clock::DAY;
use thermocline::schema::ColumnType;

use super::reader::Reader;
use super::tokens::COLLATION;

/// The day 1970-01-01, counted from 0001-01-01.
const UNIX_DAY: i64 = 719_162;
/// Length of a text without a limit, and of its NULL.
const NO_LIMIT: u16 = 0xffff;
const UNKNOWN_LENGTH: u64 = 0xffff_ffff_ffff_fffe;

/// The declared type of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Declared {
    Int,
    BigInt,
    Bit,
    /// `NVARCHAR(n)`
    Text(u16),
    LongText,
    DateTime2,
    Date,
    /// `DECIMAL(10, 2)`
    Price,
}

/// A column of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    pub name: String,
    pub declared: Declared,
}

/// A value as SQLite stores it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cell {
    Null,
    Int(i64),
    Text(String),
    /// Half a surrogate pair, which SQLite cannot store and SQL Server can.
    LoneSurrogate,
}

impl Declared {
    pub const fn of(kind: ColumnType) -> Self {
        match kind {
            ColumnType::Int => Self::BigInt,
            ColumnType::Text => Self::Text(400),
            ColumnType::Time => Self::DateTime2,
            ColumnType::Date => Self::Date,
            ColumnType::Price => Self::Price,
            ColumnType::Bool => Self::Bit,
            ColumnType::Bytes => panic!("no table of hot has bytes"),
        }
    }

    /// Returns the type's name in an `INSERT` of the program.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Int => "INT",
            Self::BigInt => "BIGINT",
            Self::Bit => "BIT",
            Self::Text(_) | Self::LongText => "NVARCHAR(MAX)",
            Self::DateTime2 => "DATETIME2(6)",
            Self::Date => "DATE",
            Self::Price => "DECIMAL(10, 2)",
        }
    }

    pub const fn is_text(self) -> bool {
        matches!(self, Self::Text(_) | Self::LongText | Self::Price)
    }

    /// `TYPE_INFO`
    pub fn info(self) -> Vec<u8> {
        let text = |bytes: u16| [&[0xe7][..], &bytes.to_le_bytes(), &COLLATION].concat();
        match self {
            Self::Int => vec![0x26, 4],
            Self::BigInt => vec![0x26, 8],
            Self::Bit => vec![0x68, 1],
            Self::Text(units) => text(units * 2),
            Self::LongText => text(NO_LIMIT),
            Self::DateTime2 => vec![0x2a, 6],
            Self::Date => vec![0x28],
            Self::Price => vec![0x6a, 9, 10, 2],
        }
    }

    /// Writes a value that is not NULL.
    pub fn write(self, cell: &Cell, out: &mut Vec<u8>) -> Result<(), String> {
        let unfit = || format!("is {cell:?}, declared {self:?}");
        match (self, cell) {
            (Self::Int, Cell::Int(int)) => {
                out.push(4);
                out.extend(i32::try_from(*int).map_err(|_| unfit())?.to_le_bytes());
            }
            (Self::BigInt, Cell::Int(int)) => {
                out.push(8);
                out.extend(int.to_le_bytes());
            }
            (Self::Bit, Cell::Int(bit @ 0..=1)) => out.extend([1, *bit as u8]),
            (Self::DateTime2, Cell::Int(micros)) => {
                out.push(8);
                out.extend(&micros.rem_euclid(DAY).to_le_bytes()[..5]);
                out.extend(&(micros.div_euclid(DAY) + UNIX_DAY).to_le_bytes()[..3]);
            }
            (Self::Date, Cell::Int(micros)) if micros.rem_euclid(DAY) == 0 => {
                out.push(3);
                out.extend(&(micros.div_euclid(DAY) + UNIX_DAY).to_le_bytes()[..3]);
            }
            (Self::Price, Cell::Text(text)) => {
                let price: Decimal = text.parse().map_err(|_| unfit())?;
                let cents = i64::try_from(price.mantissa()).map_err(|_| unfit())?;
                if price.scale() != 2 {
                    return Err(unfit());
                }
                out.extend([9, u8::from(cents >= 0)]);
                out.extend(cents.unsigned_abs().to_le_bytes());
            }
            (Self::Text(_) | Self::LongText, cell) => {
                let units: Vec<u16> = match cell {
                    Cell::Text(text) => text.encode_utf16().collect(),
                    Cell::LoneSurrogate => vec![0xd83e],
                    _ => return Err(unfit()),
                };
                let bytes = units.iter().flat_map(|unit| unit.to_le_bytes());
                match self {
                    Self::Text(limit) if units.len() > usize::from(limit) => return Err(unfit()),
                    Self::Text(_) => out.extend(((units.len() * 2) as u16).to_le_bytes()),
                    _ => {
                        out.extend((units.len() as u64 * 2).to_le_bytes());
                        if !units.is_empty() {
                            out.extend((units.len() as u32 * 2).to_le_bytes());
                        }
                    }
                }
                out.extend(bytes);
                if self == Self::LongText {
                    out.extend(0_u32.to_le_bytes());
                }
            }
            _ => return Err(unfit()),
        }
        Ok(())
    }
}

/// A parameter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Param {
    Null,
    Int(i64),
    Bit(bool),
    Text(String),
    /// Microseconds.
    Time(i64),
    /// Microseconds of its midnight.
    Date(i64),
    Price(Decimal),
}

impl Param {
    /// Reads `TYPE_INFO` and the value after it.
    pub fn read(from: &mut Reader<'_>) -> Result<Self, String> {
        let kind = from.u8()?;
        match kind {
            // NULL without a type.
            0x1f => Ok(Self::Null),
            0x26 | 0x68 => {
                let (most, length) = (from.u8()?, from.u8()?);
                match (kind, length) {
                    (_, 0) => Ok(Self::Null),
                    (0x26, 8) if most == 8 => Ok(Self::Int(from.u64()?.cast_signed())),
                    (0x68, 1) if most == 1 => Ok(Self::Bit(from.u8()? != 0)),
                    _ => Err(format!("a parameter of type {kind:#x} of {length} bytes")),
                }
            }
            0xe7 => {
                let most = from.u16()?;
                from.take(COLLATION.len())?;
                if most == NO_LIMIT { Self::read_long(from) } else { Self::read_text(from, most) }
            }
            0x2a => {
                let (scale, length) = (from.u8()?, usize::from(from.u8()?));
                if (scale, length) != (7, 8) {
                    return Err(format!("a DATETIME2({scale}) of {length} bytes"));
                }
                let (increments, days) = (from.uint(5)? as i64, from.uint(3)? as i64);
                if increments % 10 != 0 {
                    return Err("a parameter with more than microseconds".to_owned());
                }
                Ok(Self::Time((days - UNIX_DAY) * DAY + increments / 10))
            }
            0x28 => match from.u8()? {
                3 => Ok(Self::Date((from.uint(3)? as i64 - UNIX_DAY) * DAY)),
                length => Err(format!("a DATE of {length} bytes")),
            },
            0x6c => {
                let (_size, precision, scale) = (from.u8()?, from.u8()?, from.u8()?);
                let length = usize::from(from.u8()?);
                let positive = from.u8()? == 1;
                let value = from.uint(length - 1)?.cast_signed();
                if scale > precision || precision > 38 {
                    return Err(format!("a NUMERIC({precision}, {scale})"));
                }
                let value = if positive { value } else { -value };
                Ok(Self::Price(Decimal::from_i128_with_scale(value, u32::from(scale))))
            }
            _ => Err(format!("a parameter of type {kind:#x}, which the program never sends")),
        }
    }

    fn read_text(from: &mut Reader<'_>, most: u16) -> Result<Self, String> {
        match from.u16()? {
            NO_LIMIT => Ok(Self::Null),
            bytes if bytes > most => Err(format!("a text of {bytes} bytes, declared {most}")),
            bytes => from.text(usize::from(bytes)).map(Self::Text),
        }
    }

    /// Reads chunks up to an empty one.
    fn read_long(from: &mut Reader<'_>) -> Result<Self, String> {
        let length = from.u64()?;
        if length == u64::MAX {
            return Ok(Self::Null);
        }
        let mut bytes = Vec::new();
        loop {
            match from.u32()? as usize {
                0 => break,
                chunk => bytes.extend(from.take(chunk)?),
            }
        }
        if length != UNKNOWN_LENGTH && length != bytes.len() as u64 {
            return Err("a text of another length than it says".to_owned());
        }
        super::reader::text(&bytes).map(Self::Text)
    }

    /// Returns whether the parameter list may declare it with this type name; NULL may have any.
    pub fn is_declared_as(&self, name: &str) -> bool {
        match self {
            Self::Null => true,
            Self::Int(_) => name == "bigint",
            Self::Bit(_) => name == "bit",
            Self::Text(_) => matches!(name, "nvarchar(4000)" | "nvarchar(max)"),
            Self::Time(_) => name == "datetime2",
            Self::Date(_) => name == "date",
            Self::Price(price) => {
                name.starts_with("numeric(") && name.ends_with(&format!(",{})", price.scale()))
            }
        }
    }

    /// Binds it as the program binds its values for SQLite.
    pub fn bind(&self, arguments: &mut SqliteArguments) {
        let bound = match self {
            Self::Null => arguments.add(None::<i64>),
            Self::Int(int) | Self::Time(int) | Self::Date(int) => arguments.add(*int),
            Self::Bit(bit) => arguments.add(i64::from(*bit)),
            Self::Text(text) => arguments.add(text.clone()),
            Self::Price(price) => {
                // Rounded as by DECIMAL(10, 2).
                let mut price = *price;
                price.rescale(2);
                arguments.add(price.to_string())
            }
        };
        bound.expect("an integer or a text");
    }
}
