use super::*;

type Seen = (u64, Result<Vec<String>, Fault>);

fn read(text: &str) -> Vec<Seen> {
    // Three bytes at a time, so that every construct lies across two reads somewhere.
    read_by(3, text.as_bytes().to_vec())
}

fn read_by(capacity: usize, bytes: Vec<u8>) -> Vec<Seen> {
    let text = io::BufReader::with_capacity(capacity, io::Cursor::new(bytes));
    let mut reader = RecordReader::new(Box::new(text));
    let mut seen = Vec::new();
    while let Some(record) = reader.read().expect("memory") {
        let fields = record.fields().map(str::to_owned).collect();
        seen.push((record.line, record.fault.map_or(Ok(fields), Err)));
    }
    seen
}

fn row(line: u64, fields: &[&str]) -> Seen {
    (line, Ok(fields.iter().map(|&field| field.to_owned()).collect()))
}

/// Lines are counted through blank lines and line ends inside quotes.
#[test]
fn records_keep_their_content_and_their_line() {
    let seen = read("a,b\r\n\r\n\n1,\"x\r\ny\"\"\n\"\r\n2,\n\"\",\"\r\"\r\n3,p\rq\r\n4,\0\n");
    let expected = [
        row(1, &["a", "b"]),
        row(4, &["1", "x\r\ny\"\n"]),
        row(7, &["2", ""]),
        row(8, &["", "\r"]),
        row(9, &["3", "p\rq"]),
        row(10, &["4", "\0"]),
    ];
    assert_eq!(seen, expected);
}

/// A reader that accepts the last line lets half a row in.
#[test]
fn line_without_its_end_is_a_fault() {
    assert_eq!(read("a,b\n1,23"), [row(1, &["a", "b"]), (2, Err(Fault::Cut))]);
    assert_eq!(read("1,\"2\""), [(1, Err(Fault::Cut))]);
    assert_eq!(read("1,2\r"), [(1, Err(Fault::Cut))]);
    assert_eq!(read(""), []);
    assert_eq!(read("\r\n"), []);
}

/// By itself `csv-core` reads the first three lines as one record with the right number of fields.
#[test]
fn records_do_not_swallow_each_other() {
    let seen = read("1,\"x\n2,y\n3,\"z\"\n4,w\n");
    assert_eq!(seen, [(1, Err(Fault::TextAfterQuote(3))), row(4, &["4", "w"])]);
    assert_eq!(read("1,\"x\"\ry\n"), [(1, Err(Fault::TextAfterQuote(1)))]);
    assert_eq!(read("5,6\" nail\n"), [row(1, &["5", "6\" nail"])]);
}

#[test]
fn unclosed_quote_uses_bounded_memory() {
    let mut bytes = b"1,2\n\n3,\"".to_vec();
    bytes.extend(b"line\n".repeat(RECORD_LIMIT / 2));
    let mut reader = RecordReader::new(Box::new(io::Cursor::new(bytes)));
    reader.read().expect("memory");
    let record = reader.read().expect("memory").expect("a record");
    assert_eq!(record.fault, Some(Fault::NeverClosed(3)));
    assert_eq!(record.raw().len(), RAW_LIMIT);
    assert!(reader.values.len() <= 2 * RECORD_LIMIT);
    assert!(reader.read().expect("memory").is_none());
}

/// Reading goes on after an oversized record, and a field of exactly the limit is accepted.
#[test]
fn oversized_records_are_measured_and_skipped() {
    let long = |bytes: usize| format!("{}\"\"", "x".repeat(bytes - 1));
    let text = format!(
        "1,\"{}\"\n2,\"{}\"\n{wide}\n{many}\n3,ok\n",
        long(FIELD_LIMIT),
        long(FIELD_LIMIT + 1),
        wide = vec!["y".repeat(FIELD_LIMIT); 5].join(","),
        many = ",".repeat(150),
    );
    // The read ends where the field has reached the limit and nothing says yet that it ends there.
    let exact = "x".repeat(FIELD_LIMIT);
    let seen = read_by(2 + FIELD_LIMIT, format!("1,{exact}\n").into_bytes());
    assert_eq!(seen, [row(1, &["1", &exact])]);
    let seen = read_by(8192, text.into_bytes());
    assert_eq!(seen[0].1.as_ref().map(|fields| fields[1].len()), Ok(FIELD_LIMIT));
    assert_eq!(
        seen[1..],
        [
            (2, Err(Fault::FieldTooLong(FIELD_LIMIT + 1))),
            (3, Err(Fault::RecordTooLong(5 * FIELD_LIMIT))),
            (4, Err(Fault::TooManyFields(151))),
            row(5, &["3", "ok"]),
        ]
    );
}
