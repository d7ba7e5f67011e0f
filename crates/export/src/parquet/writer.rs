//! Writes a file: row groups as they fill, and what they are at the end.

use std::fs::File;
use std::io::{self, BufWriter, Write as _};

use chrono::NaiveDate;
use flate2::Compression;
use flate2::write::GzEncoder;
use rust_decimal::Decimal;

use super::thrift::{Fields, Item, put_varint};
use super::{GZIP, MAGIC, PLAIN, PRECISION, RLE, SCALE, converted, physical};
use crate::format;
use thermocline_core::table::{Column, ColumnType, Table};
use thermocline_database::Value;

/// The rows of a group at most, and the bytes of its values at which it ends.
const MOST: (usize, usize) = (100_000, 32 << 20);

/// Writes a file.
pub struct Writer {
    out: BufWriter<File>,
    table: &'static Table,
    /// The place in the file.
    at: u64,
    columns: Vec<Values>,
    rows: usize,
    groups: Vec<Item>,
    all_rows: i64,
}

/// The values of a column in the row group.
#[derive(Default)]
struct Values {
    plain: Vec<u8>,
    /// Of flags, which are packed eight to a byte.
    bits: Bits,
    /// Whether each row has a value, for a column that may be NULL.
    present: Bits,
}

#[derive(Default)]
struct Bits {
    bytes: Vec<u8>,
    length: usize,
}

impl Bits {
    fn push(&mut self, bit: bool) {
        if self.length.is_multiple_of(8) {
            self.bytes.push(0);
        }
        self.bytes[self.length / 8] |= u8::from(bit) << (self.length % 8);
        self.length += 1;
    }
}

impl Writer {
    /// Begins a file.
    pub fn new(file: File, table: &'static Table) -> io::Result<Self> {
        let mut out = BufWriter::new(file);
        out.write_all(MAGIC)?;
        Ok(Self {
            out,
            table,
            at: MAGIC.len() as u64,
            columns: table.columns.iter().map(|_| Values::default()).collect(),
            rows: 0,
            groups: Vec::new(),
            all_rows: 0,
        })
    }

    /// Writes the row group that has been collected.
    fn end_group(&mut self) -> io::Result<()> {
        if self.rows == 0 {
            return Ok(());
        }
        let (mut chunks, mut whole) = (Vec::new(), 0);
        for (column, values) in self.table.columns.iter().zip(&mut self.columns) {
            let Values { plain, bits, present } = std::mem::take(values);
            let mut page = if column.nullable { levels(&present) } else { Vec::new() };
            page.extend(if column.kind == ColumnType::Bool { &bits.bytes } else { &plain });
            let mut packed = GzEncoder::new(Vec::new(), Compression::default());
            packed.write_all(&page)?;
            let packed = packed.finish()?;
            let mut header = Vec::new();
            let about = Fields::default().i32(1, self.rows as i64).i32(2, PLAIN).i32(3, RLE).i32(4, RLE);
            let sizes = Fields::default().i32(1, 0).i32(2, page.len() as i64).i32(3, packed.len() as i64);
            sizes.fields(5, about).write(&mut header);
            self.out.write_all(&header)?;
            self.out.write_all(&packed)?;
            let (size, unpacked) = (header.len() + packed.len(), header.len() + page.len());
            let meta = Fields::default()
                .i32(1, physical(column.kind))
                .list(2, vec![Item::Int(PLAIN), Item::Int(RLE)])
                .list(3, vec![Item::Text(column.name.as_bytes().to_vec())])
                .i32(4, GZIP)
                .i64(5, self.rows as i64)
                .i64(6, unpacked as i64)
                .i64(7, size as i64)
                .i64(9, self.at as i64);
            chunks.push(Item::Struct(Fields::default().i64(2, self.at as i64).fields(3, meta)));
            self.at += size as u64;
            whole += unpacked;
        }
        let group = Fields::default().list(1, chunks).i64(2, whole as i64).i64(3, self.rows as i64);
        self.groups.push(Item::Struct(group));
        self.all_rows += self.rows as i64;
        self.rows = 0;
        Ok(())
    }
}

impl format::Writer for Writer {
    fn row(&mut self, row: &[Value]) -> io::Result<()> {
        let mut size = 0;
        for ((column, values), value) in self.table.columns.iter().zip(&mut self.columns).zip(row) {
            if column.nullable {
                values.present.push(!matches!(value, Value::Null(_)));
            }
            put(column, values, value)?;
            size += values.plain.len();
        }
        self.rows += 1;
        if self.rows >= MOST.0 || size >= MOST.1 { self.end_group() } else { Ok(()) }
    }

    fn finish(mut self: Box<Self>) -> io::Result<()> {
        self.end_group()?;
        let root = Fields::default().text(4, "rows").i32(5, self.table.columns.len() as i64);
        let schema = std::iter::once(root).chain(self.table.columns.iter().map(element));
        let footer = Fields::default()
            .i32(1, 1)
            .list(2, schema.map(Item::Struct).collect())
            .i64(3, self.all_rows)
            .list(4, std::mem::take(&mut self.groups))
            .text(6, concat!("thermocline ", env!("CARGO_PKG_VERSION")));
        let mut bytes = Vec::new();
        footer.write(&mut bytes);
        self.out.write_all(&bytes)?;
        self.out.write_all(&(bytes.len() as u32).to_le_bytes())?;
        self.out.write_all(MAGIC)?;
        let file = self.out.into_inner().map_err(io::IntoInnerError::into_error)?;
        file.sync_all()
    }
}

/// Describes a column.
fn element(column: &Column) -> Fields {
    let element = Fields::default().i32(1, physical(column.kind)).i32(3, column.nullable.into());
    let element = element.text(4, column.name);
    let element = match converted(column.kind) {
        Some(meaning) => element.i32(6, meaning),
        None => element,
    };
    let nothing = Fields::default;
    match column.kind {
        ColumnType::Text => element.fields(10, nothing().fields(1, nothing())),
        ColumnType::Price => {
            let decimal = nothing().i32(1, SCALE.into()).i32(2, PRECISION);
            element.i32(7, SCALE.into()).i32(8, PRECISION).fields(10, nothing().fields(5, decimal))
        }
        ColumnType::Date => element.fields(10, nothing().fields(6, nothing())),
        ColumnType::Time => {
            let micros = nothing().fields(2, nothing());
            let instant = nothing().flag(1, true).fields(2, micros);
            element.fields(10, nothing().fields(8, instant))
        }
        ColumnType::Int | ColumnType::Bool => element,
    }
}

/// Returns the levels of a column that may be NULL: 1 for each value, 0 for each NULL, as one run of packed bits.
fn levels(present: &Bits) -> Vec<u8> {
    let mut run = Vec::new();
    put_varint(&mut run, (present.bytes.len() as u64) << 1 | 1);
    run.extend(&present.bytes);
    let mut levels = (run.len() as u32).to_le_bytes().to_vec();
    levels.extend(run);
    levels
}

fn put(column: &Column, values: &mut Values, value: &Value) -> io::Result<()> {
    let Values { plain, bits, .. } = values;
    match (column.kind, value) {
        (_, Value::Null(_)) if column.nullable => {}
        (ColumnType::Int, Value::Int(int)) => plain.extend(int.to_le_bytes()),
        (ColumnType::Bool, Value::Bool(bit)) => bits.push(*bit),
        (ColumnType::Time, Value::Time(at)) => plain.extend(at.micros().to_le_bytes()),
        (ColumnType::Date, Value::Date(day)) => {
            let days = day.signed_duration_since(NaiveDate::default()).num_days() as i32;
            plain.extend(days.to_le_bytes());
        }
        (ColumnType::Price, Value::Price(price)) => {
            let hundredths = hundredths(*price).ok_or_else(|| unfit(column))?;
            plain.extend(hundredths.to_le_bytes());
        }
        (ColumnType::Text, Value::Text(text)) => {
            let length = u32::try_from(text.len()).map_err(|_| unfit(column))?;
            plain.extend(length.to_le_bytes());
            plain.extend(text.as_bytes());
        }
        _ => return Err(unfit(column)),
    }
    Ok(())
}

fn hundredths(price: Decimal) -> Option<i64> {
    let mut exact = price;
    exact.rescale(SCALE);
    if exact == price { i64::try_from(exact.mantissa()).ok() } else { None }
}

fn unfit(column: &Column) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("{} holds a value of another type", column.name))
}
