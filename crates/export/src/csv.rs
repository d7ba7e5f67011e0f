//! Comma-separated values as `import` reads them: a header with the names of the columns, text in quotes, an empty field for NULL.

use std::fs::File;
use std::io::{self, BufRead as _, BufReader, BufWriter, Write as _};
use std::path::Path;

use csv_core::{ReadRecordResult, ReaderBuilder, Terminator};
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use rust_decimal::Decimal;

use super::ExportError;
use super::format;
use thermocline_core::clock::Timestamp;
use thermocline_core::table::{Column, ColumnType, Table};
use thermocline_database::Value;

/// The size of buffers, in bytes.
const BUFFER: usize = 64 * 1024;

/// Writes a file.
pub(super) struct Writer {
    out: GzEncoder<BufWriter<File>>,
    line: Vec<u8>,
}

impl Writer {
    /// Begins a file with its header.
    pub(super) fn new(file: File, table: &Table) -> io::Result<Self> {
        let out = GzEncoder::new(BufWriter::with_capacity(BUFFER, file), Compression::default());
        let mut writer = Self { out, line: Vec::with_capacity(BUFFER) };
        let names: Vec<&str> = table.columns.iter().map(|column| column.name).collect();
        writer.out.write_all(names.join(",").as_bytes())?;
        writer.out.write_all(b"\n")?;
        Ok(writer)
    }
}

impl format::Writer for Writer {
    fn row(&mut self, row: &[Value]) -> io::Result<()> {
        self.line.clear();
        for (place, value) in row.iter().enumerate() {
            if place > 0 {
                self.line.push(b',');
            }
            write_field(&mut self.line, value)?;
        }
        self.line.push(b'\n');
        self.out.write_all(&self.line)
    }

    fn finish(self: Box<Self>) -> io::Result<()> {
        let file = self.out.finish()?.into_inner().map_err(io::IntoInnerError::into_error)?;
        file.sync_all()
    }
}

/// Writes one value. Text is always in quotes, so that an empty one is no NULL.
fn write_field(line: &mut Vec<u8>, value: &Value) -> io::Result<()> {
    match value {
        Value::Null(_) => Ok(()),
        Value::Int(int) => write!(line, "{int}"),
        Value::Bool(bit) => write!(line, "{bit}"),
        Value::Time(at) => write!(line, "{at}"),
        Value::Date(day) => write!(line, "{day}"),
        Value::Price(price) => write!(line, "{price}"),
        Value::Text(text) => {
            line.push(b'"');
            for byte in text.bytes() {
                if byte == b'"' {
                    line.push(b'"');
                }
                line.push(byte);
            }
            line.push(b'"');
            Ok(())
        }
        Value::Bytes(_) | Value::Ints(_) => {
            Err(io::Error::new(io::ErrorKind::InvalidInput, "no column holds bytes or a list"))
        }
    }
}

/// Reads a file and calls `each` with every row.
pub(super) fn read(path: &Path, table: &Table, each: &mut dyn FnMut(&[Value])) -> Result<(), ExportError> {
    let file = File::open(path).map_err(ExportError::io(path))?;
    let mut input = BufReader::with_capacity(BUFFER, GzDecoder::new(BufReader::with_capacity(BUFFER, file)));
    let mut core = ReaderBuilder::new().terminator(Terminator::Any(b'\n')).build();
    let (mut text, mut ends) = (vec![0; BUFFER], vec![0; table.columns.len() + 1]);
    let (mut length, mut width, mut records) = (0, 0, 0_u64);
    loop {
        let bytes = input.fill_buf().map_err(ExportError::io(path))?;
        let (result, read, written, ended) = core.read_record(bytes, &mut text[length..], &mut ends[width..]);
        input.consume(read);
        length += written;
        width += ended;
        match result {
            ReadRecordResult::InputEmpty => {}
            ReadRecordResult::OutputFull => text.resize(text.len() * 2, 0),
            ReadRecordResult::OutputEndsFull => {
                return Err(ExportError::content(path, format!("row {records} has too many fields")));
            }
            ReadRecordResult::Record => {
                let row = row_of(table, &text, &ends[..width], records == 0);
                let row =
                    row.map_err(|problem| ExportError::content(path, format!("row {records}: {problem}")))?;
                if let Some(row) = row {
                    each(&row);
                }
                (length, width) = (0, 0);
                records += 1;
            }
            ReadRecordResult::End => return Ok(()),
        }
    }
}

/// Returns the values of a record; `None` for the header.
fn row_of(table: &Table, text: &[u8], ends: &[usize], is_header: bool) -> Result<Option<Vec<Value>>, String> {
    if ends.len() != table.columns.len() {
        return Err(format!("{} fields, not {}", ends.len(), table.columns.len()));
    }
    let mut row = Vec::with_capacity(ends.len());
    let mut from = 0;
    for (column, end) in table.columns.iter().zip(ends) {
        let field =
            std::str::from_utf8(&text[from..*end]).map_err(|error| format!("{}: {error}", column.name))?;
        from = *end;
        if !is_header {
            row.push(value_of(column, field).ok_or_else(|| format!("{} has no such value", column.name))?);
        } else if field != column.name {
            return Err(format!("the column {field} stands where {} is expected", column.name));
        }
    }
    Ok((!is_header).then_some(row))
}

/// Returns the value of a field; `None` if it is none of its column.
fn value_of(column: &Column, field: &str) -> Option<Value> {
    if field.is_empty() && column.nullable {
        return Some(Value::Null(column.kind));
    }
    Some(match column.kind {
        ColumnType::Int => field.parse::<i64>().ok()?.into(),
        ColumnType::Text => field.into(),
        ColumnType::Time => field.parse::<Timestamp>().ok()?.into(),
        ColumnType::Date => Value::Date(field.parse().ok()?),
        ColumnType::Price => field.parse::<Decimal>().ok()?.into(),
        ColumnType::Bool => field.parse::<bool>().ok()?.into(),
        ColumnType::Bytes => return None,
    })
}
