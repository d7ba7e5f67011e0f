use std::io::Write;

use flate2::{Compression, write::GzEncoder};

use super::*;

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(text).expect("memory takes it");
    encoder.finish().expect("memory takes it")
}

fn open(name: &str, bytes: &[u8]) -> Result<Source, Problem> {
    let file = spool(&mut &bytes[..])?;
    Source::checked(name.to_owned(), file, Path::new(name), false)
}

fn read(source: &Source) -> String {
    let mut text = String::new();
    source.text().expect("text").read_to_string(&mut text).expect("sound text");
    text
}

/// A reader that stops after the first gzip member loses the rest of the file silently.
#[test]
fn gzip_members_are_one_text_and_passes_are_independent() {
    let two = [gzip("\u{feff}a,b\n".as_bytes()), gzip("c,d\n".as_bytes())].concat();
    let source = open("two.csv.gz", &two).expect("sound");
    let mut first = source.text().expect("text");
    let mut byte = [0];
    first.read_exact(&mut byte).expect("a byte");
    assert_eq!(read(&source), "a,b\nc,d\n");
    let mut rest = String::new();
    first.read_to_string(&mut rest).expect("sound text");
    assert_eq!(rest, ",b\nc,d\n");
    assert_eq!(source.consumed(), source.bytes());
    assert_eq!(source.bytes(), two.len() as u64);
}

/// Damage is found before the first record is read, not when its position is reached.
#[test]
fn damaged_gzip_is_rejected_as_a_whole() {
    let whole = gzip(&b"user_id,post_id\n1,2\n".repeat(500));
    let mut bad_sum = whole.clone();
    let at = whole.len() - 8;
    bad_sum[at] ^= 1;
    let cases = [
        ("cut", whole[..whole.len() - 1].to_vec()),
        ("cut in the header", whole[..5].to_vec()),
        ("bad sum", bad_sum),
        ("garbage", [&whole[..], b"x"].concat()),
        ("zeros", [&whole[..], &[0; 512]].concat()),
        ("second member cut", [&whole[..], &whole[..12]].concat()),
    ];
    for (case, bytes) in cases {
        let refused = open("likes.csv.gz", &bytes);
        assert!(matches!(refused, Err(Problem::Gzip(_))), "{case}: {refused:?}");
    }
    assert!(matches!(open("a.gz", b"plain\n"), Err(Problem::NotGzip)));
    assert!(matches!(open("a.gz", b""), Err(Problem::NotGzip)));
}

/// A check of single chunks rejects characters that lie across two chunks, or misses a cut one at the end.
#[test]
fn text_is_checked_to_its_last_byte() {
    let long = "老".repeat(CHUNK);
    assert_eq!(read(&open("long", long.as_bytes()).expect("sound")), long);
    for (bytes, expected) in
        [(&b"a\nb\xff\n"[..], (3, 2)), (&b"a\n\xe8\x80"[..], (2, 2)), (&b"\xff\xfea\0"[..], (0, 1))]
    {
        match open("bad", bytes) {
            Err(Problem::NotUtf8 { byte, line }) => assert_eq!((byte, line), expected),
            other => panic!("{bytes:?}: {other:?}"),
        }
    }
}

/// Later passes read what was checked, or fail.
#[test]
fn file_that_changes_after_the_check() {
    let source = open("a.csv", b"a,b\n").expect("sound");
    let resize = |bytes| source.file.lock().expect("no panic").set_len(bytes);
    resize(100).expect("disk");
    assert_eq!(read(&source), "a,b\n");
    resize(2).expect("disk");
    let cut = source.text().map(|_| ()).expect_err("it is cut");
    assert!(matches!(cut.problem, Problem::Io(_)), "{cut}");
}

#[test]
fn missing_files_and_directories_are_rejected_by_name() {
    let directory = tempfile::tempdir().expect("a directory");
    let refused = Source::open(directory.path(), false).expect_err("a directory");
    assert!(matches!(refused.problem, Problem::Directory), "{refused}");
    let refused = Source::open(&directory.path().join("absent.csv"), false).expect_err("nothing");
    assert!(refused.to_string().ends_with("absent.csv: no such file"), "{refused}");
}
