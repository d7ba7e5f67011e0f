//! Files of every format hold what was written, and a file that does not is found.

use std::path::Path;

use parquet::file::metadata::RowGroupMetaData;
use parquet::file::reader::{FileReader as _, SerializedFileReader};

use super::{Folder, Format, Manifest, Origin, verify};
use thermocline_core::clock::Timestamp;
use thermocline_core::table::{ColumnType, ID, Table, column, table};
use thermocline_database::Value;

const ALL: Table = table(
    "everything",
    &[
        ID,
        column("number", ColumnType::Int).null(),
        column("words", ColumnType::Text),
        column("note", ColumnType::Text).null(),
        column("at", ColumnType::Time),
        column("day", ColumnType::Date).null(),
        column("price", ColumnType::Price).null(),
        column("flag", ColumnType::Bool),
        column("maybe", ColumnType::Bool).null(),
    ],
    "One column of each kind.",
);
static TABLE: Table = ALL;

const TEXTS: [&str; 9] =
    ["", "\"", "a,b", "two\nlines\r\n", "\r", "老 𠮷 😀", "\u{0}\u{1}", " blanks ", "\u{feff}mark"];

/// Returns a row that differs from the others in every column.
fn row(n: i64) -> Vec<Value> {
    let text = TEXTS[n as usize % TEXTS.len()];
    let null =
        |is_null: bool, kind: ColumnType, value: Value| if is_null { Value::Null(kind) } else { value };
    let at = |micros: i64| Timestamp::from_micros(micros).expect("an instant");
    vec![
        (n * if n % 2 == 0 { -1_000_000_007 } else { 3 }).into(),
        null(n % 3 == 0, ColumnType::Int, i64::MAX.into()),
        text.into(),
        null(n % 4 == 0 || text.is_empty(), ColumnType::Text, text.into()),
        at(n * 86_399_999_999 - 5_000_000_000_000_000).into(),
        null(n % 5 == 0, ColumnType::Date, at(n * 40 * 86_400_000_000 - 3_000_000_000_000_000).date().into()),
        null(n % 7 == 0, ColumnType::Price, rust_decimal::Decimal::new(n * 1_234_567 - 99_999, 2).into()),
        (n % 3 == 1).into(),
        null(n % 2 == 0, ColumnType::Bool, (n % 5 == 1).into()),
    ]
}

fn manifest(format: Format) -> Manifest {
    let origin = Origin { resource: "everything".to_owned(), format, from: None, to: Some(Timestamp::MAX) };
    let (begun, program) = (Timestamp::default(), "test".to_owned());
    Manifest { origin, epoch: 7, token: Some(-3), program, begun, finished: None, parts: Vec::new() }
}

/// Writes parts of these sizes.
fn write(folder: &Path, format: Format, sizes: &[i64]) -> Manifest {
    let mut copy = Folder::begin(folder, manifest(format)).expect("begins");
    let mut next = 0;
    for size in sizes {
        let mut part = copy.part(vec![&TABLE]);
        for n in next..next + size {
            part.row(0, row(n)).expect("a row");
        }
        next += size;
        copy.add(part, (1, next)).expect("a part");
    }
    copy.finish(Timestamp::default()).expect("the end");
    Manifest::read(folder).expect("a manifest").expect("a manifest")
}

fn faults(folder: &Path, manifest: &Manifest) -> (u64, Vec<String>) {
    let (rows, faults) = verify(folder, manifest, &|name| (name == TABLE.name).then_some(&TABLE));
    (rows, faults.into_iter().map(|fault| format!("{}: {}", fault.file, fault.problem)).collect())
}

#[test]
fn every_value_is_read_as_it_was_written() {
    for format in Format::ALL {
        let folder = tempfile::tempdir().expect("a folder");
        let manifest = write(folder.path(), format, &[1000, 1, 63]);
        assert_eq!(manifest.rows_of("everything"), 1064, "{format}");
        assert_eq!(faults(folder.path(), &manifest), (1064, Vec::new()), "{format}");
        let mut read = Vec::new();
        for proof in manifest.files() {
            let path = folder.path().join(&proof.file);
            format.read(&path, &TABLE, &mut |row| read.push(row.to_vec())).expect("rows");
        }
        assert_eq!(read, (0..1064).map(row).collect::<Vec<_>>(), "{format}");
    }
}

/// A row group is kept in memory until it is written.
#[test]
fn a_row_group_of_parquet_ends_when_it_is_large() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut copy = Folder::begin(folder.path(), manifest(Format::Parquet)).expect("begins");
    let mut part = copy.part(vec![&TABLE]);
    for n in 0..5 {
        let mut row = row(n);
        row[2] = "long ".repeat(1 << 22)[n as usize..].into();
        part.row(0, row).expect("a row");
    }
    copy.add(part, (1, 5)).expect("a part");
    let file = std::fs::File::open(folder.path().join("everything-00001.parquet")).expect("a file");
    let groups = SerializedFileReader::new(file).expect("a file").metadata().row_groups().to_vec();
    assert_eq!(groups.iter().map(RowGroupMetaData::num_rows).collect::<Vec<_>>(), [2, 2, 1]);
}

#[test]
fn each_change_of_a_file_is_found() {
    for format in Format::ALL {
        let folder = tempfile::tempdir().expect("a folder");
        let manifest = write(folder.path(), format, &[50]);
        let path = folder.path().join(&manifest.parts[0].files[0].file);
        let whole = std::fs::read(&path).expect("a file");
        for at in 0..whole.len() {
            let mut changed = whole.clone();
            changed[at] ^= 0x55;
            std::fs::write(&path, changed).expect("written");
            assert_eq!(faults(folder.path(), &manifest).1.len(), 1, "{format}: byte {at}");
        }
        for length in [0, 1, whole.len() / 2, whole.len() - 1] {
            std::fs::write(&path, &whole[..length]).expect("written");
            assert_eq!(faults(folder.path(), &manifest).1.len(), 1, "{format}: {length} bytes");
        }
        std::fs::write(&path, &whole).expect("written");
        let mut other = manifest.clone();
        let proof = &mut other.parts[0].files[0];
        (proof.rows, proof.digest) = (51, "0".repeat(32));
        let name = proof.file.clone();
        assert_eq!(faults(folder.path(), &other).1, [format!("{name}: holds 50 rows instead of 51")]);
        other.parts[0].files[0].rows = 50;
        let problem = "its rows are not those that were read: the digests differ";
        assert_eq!(faults(folder.path(), &other).1, [format!("{name}: {problem}")]);
    }
}

#[test]
fn files_that_an_interrupted_process_left_are_removed() {
    let folder = tempfile::tempdir().expect("a folder");
    let copy = Folder::begin(folder.path(), manifest(Format::CsvGz)).expect("begins");
    let mut part = copy.part(vec![&TABLE]);
    part.row(0, row(1)).expect("a row");
    drop(part);
    let manifest = Manifest::read(folder.path()).expect("a manifest").expect("a manifest");
    let partial = "everything-00001.csv.gz.partial: is not in the manifest".to_owned();
    let unfinished = "manifest.json: the copy is not finished: run the export again".to_owned();
    assert_eq!(faults(folder.path(), &manifest).1, [unfinished.clone(), partial]);
    let copy = Folder::go_on(folder.path(), manifest).expect("goes on");
    assert_eq!(faults(folder.path(), copy.manifest()).1, [unfinished]);
}

/// The part that is written again may be shorter, and have no row of such a table.
#[test]
fn a_file_with_its_name_but_no_place_in_the_manifest_is_removed() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut whole = write(folder.path(), Format::CsvGz, &[3, 2]);
    let second = whole.parts.pop().expect("two parts");
    let left = folder.path().join(&second.files[0].file);
    assert!(left.exists());
    let copy = Folder::go_on(folder.path(), whole).expect("goes on");
    assert!(!left.exists());
    assert!(
        folder.path().join(&copy.manifest().parts[0].files[0].file).exists(),
        "a file of the manifest stays"
    );
}
