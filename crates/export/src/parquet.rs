//! Parquet: columns for analysis, in row groups that end before they take much memory.

use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::Arc;

use chrono::NaiveDate;
use parquet::basic::{Compression, GzipLevel, LogicalType, Repetition, TimeUnit, Type as Physical};
use parquet::data_type::{BoolType, ByteArrayType, DataType, Int32Type, Int64Type};
use parquet::errors::{ParquetError, Result};
use parquet::file::properties::WriterProperties;
use parquet::file::reader::{FileReader as _, SerializedFileReader};
use parquet::file::writer::{SerializedColumnWriter, SerializedFileWriter};
use parquet::record::Field;
use parquet::schema::types::{Type, TypePtr};
use rust_decimal::Decimal;

use super::ExportError;
use super::format;
use thermocline_core::clock::Timestamp;
use thermocline_core::table::{Column, ColumnType, Table};
use thermocline_database::Value;

/// The rows of a group at most, and the bytes in memory at which it ends.
const MOST: (usize, usize) = (100_000, 32 << 20);
/// The digits of a price.
const PRECISION: i32 = 10;
/// The decimals of a price.
const SCALE: u32 = 2;

/// Writes a file.
pub(super) struct Writer {
    out: SerializedFileWriter<File>,
    table: &'static Table,
    /// The rows of the group that is collected.
    rows: Vec<Vec<Value>>,
    /// Their size.
    bytes: usize,
}

impl Writer {
    /// Begins a file.
    pub(super) fn new(file: File, table: &'static Table) -> io::Result<Self> {
        let gzip = Compression::GZIP(GzipLevel::default());
        let properties = WriterProperties::builder().set_compression(gzip).build();
        let out = SerializedFileWriter::new(file, schema(table)?, Arc::new(properties))?;
        Ok(Self { out, table, rows: Vec::new(), bytes: 0 })
    }

    /// Writes the group that has been collected.
    fn end_group(&mut self) -> Result<()> {
        let rows = std::mem::take(&mut self.rows);
        self.bytes = 0;
        let mut group = self.out.next_row_group()?;
        for (place, column) in self.table.columns.iter().enumerate() {
            let cells = rows.iter().map(|row| &row[place]);
            let Some(mut out) = group.next_column()? else { break };
            match column.kind {
                ColumnType::Int | ColumnType::Time | ColumnType::Price => {
                    put::<Int64Type>(&mut out, column, cells, |value| long(column.kind, value))?;
                }
                ColumnType::Date => put::<Int32Type>(&mut out, column, cells, |value| match value {
                    Value::Date(day) => Some(day.to_epoch_days()),
                    _ => None,
                })?,
                ColumnType::Text => put::<ByteArrayType>(&mut out, column, cells, |value| match value {
                    Value::Text(text) => Some(text.as_bytes().to_vec().into()),
                    _ => None,
                })?,
                ColumnType::Bool => put::<BoolType>(&mut out, column, cells, |value| match value {
                    Value::Bool(bit) => Some(*bit),
                    _ => None,
                })?,
                ColumnType::Bytes => put::<ByteArrayType>(&mut out, column, cells, |value| match value {
                    Value::Bytes(bytes) => Some(bytes.to_vec().into()),
                    _ => None,
                })?,
            }
            out.close()?;
        }
        group.close()?;
        Ok(())
    }
}

impl format::Writer for Writer {
    fn row(&mut self, row: &[Value]) -> io::Result<()> {
        self.bytes += row.iter().map(size).sum::<usize>();
        self.rows.push(row.to_vec());
        let is_full = self.rows.len() >= MOST.0 || self.bytes >= MOST.1;
        if is_full { Ok(self.end_group()?) } else { Ok(()) }
    }

    fn finish(mut self: Box<Self>) -> io::Result<()> {
        if !self.rows.is_empty() {
            self.end_group()?;
        }
        self.out.into_inner()?.sync_all()
    }
}

/// Reads a file and calls `each` with every row.
pub(super) fn read(path: &Path, table: &Table, each: &mut dyn FnMut(&[Value])) -> Result<(), ExportError> {
    let file = File::open(path).map_err(ExportError::io(path))?;
    let read = || {
        let reader = SerializedFileReader::new(file)?;
        if reader.metadata().file_metadata().schema() != &*schema(table)? {
            return Err(ParquetError::General("other columns than those of its table".to_owned()));
        }
        for group in 0..reader.num_row_groups() {
            for row in reader.get_row_group(group)?.get_row_iter(None)? {
                let row = row?;
                let cells = table.columns.iter().zip(row.get_column_iter());
                let row: Result<Vec<Value>> = cells
                    .map(|(column, (_, field))| value(column.kind, field).ok_or_else(|| unfit(column)))
                    .collect();
                each(&row?);
            }
        }
        Ok(())
    };
    read().map_err(|error| ExportError::content(path, error.to_string()))
}

/// Returns the description of a table.
fn schema(table: &Table) -> Result<TypePtr> {
    let columns = table.columns.iter().map(|column| element(column).map(Arc::new));
    let columns = columns.collect::<Result<Vec<_>>>()?;
    Ok(Arc::new(Type::group_type_builder("rows").with_fields(columns).build()?))
}

fn element(column: &Column) -> Result<Type> {
    let (physical, meaning) = match column.kind {
        ColumnType::Int => (Physical::INT64, None),
        ColumnType::Text => (Physical::BYTE_ARRAY, Some(LogicalType::String)),
        ColumnType::Time => (Physical::INT64, Some(LogicalType::timestamp(true, TimeUnit::MICROS))),
        ColumnType::Date => (Physical::INT32, Some(LogicalType::Date)),
        ColumnType::Price => (Physical::INT64, Some(LogicalType::decimal(SCALE as i32, PRECISION))),
        ColumnType::Bool => (Physical::BOOLEAN, None),
        ColumnType::Bytes => (Physical::BYTE_ARRAY, None),
    };
    let element = Type::primitive_type_builder(column.name, physical)
        .with_repetition(if column.nullable { Repetition::OPTIONAL } else { Repetition::REQUIRED })
        .with_logical_type(meaning);
    match column.kind {
        ColumnType::Price => element.with_scale(SCALE as i32).with_precision(PRECISION).build(),
        _ => element.build(),
    }
}

/// Writes the cells of a column of a group.
fn put<'a, T: DataType>(
    out: &mut SerializedColumnWriter<'_>,
    column: &Column,
    cells: impl Iterator<Item = &'a Value>,
    cell: impl Fn(&Value) -> Option<T::T>,
) -> Result<()> {
    let (mut values, mut present) = (Vec::new(), Vec::new());
    for value in cells {
        let is_null = column.nullable && matches!(value, Value::Null(_));
        present.push(i16::from(!is_null));
        if !is_null {
            values.push(cell(value).ok_or_else(|| unfit(column))?);
        }
    }
    let present = column.nullable.then_some(&present[..]);
    out.typed::<T>().write_batch(&values, present, None)?;
    Ok(())
}

fn long(kind: ColumnType, value: &Value) -> Option<i64> {
    match (kind, value) {
        (ColumnType::Int, Value::Int(int)) => Some(*int),
        (ColumnType::Time, Value::Time(at)) => Some(at.micros()),
        (ColumnType::Price, Value::Price(price)) => {
            let mut exact = *price;
            exact.rescale(SCALE);
            if exact == *price { i64::try_from(exact.mantissa()).ok() } else { None }
        }
        _ => None,
    }
}

/// Returns the value of a field; `None` if it is none of its column.
fn value(kind: ColumnType, field: &Field) -> Option<Value> {
    Some(match (kind, field) {
        (_, Field::Null) => Value::Null(kind),
        (ColumnType::Int, Field::Long(int)) => (*int).into(),
        (ColumnType::Text, Field::Str(text)) => text.as_str().into(),
        (ColumnType::Time, Field::TimestampMicros(micros)) => Timestamp::from_micros(*micros)?.into(),
        (ColumnType::Date, Field::Date(days)) => NaiveDate::from_epoch_days(*days)?.into(),
        (ColumnType::Price, Field::Decimal(price)) => {
            Decimal::new(i64::from_be_bytes(price.data().try_into().ok()?), SCALE).into()
        }
        (ColumnType::Bool, Field::Bool(bit)) => (*bit).into(),
        (ColumnType::Bytes, Field::Bytes(bytes)) => Value::Bytes(bytes.data().into()),
        _ => return None,
    })
}

/// Returns the bytes that a value takes in memory.
fn size(value: &Value) -> usize {
    size_of::<Value>() + if let Value::Text(text) = value { text.len() } else { 0 }
}

fn unfit(column: &Column) -> ParquetError {
    ParquetError::General(format!("{} holds a value of another type", column.name))
}
