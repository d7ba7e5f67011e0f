//! The container of an import: a file, a pipe or standard input, plain or gzip.
//!
//! A [`Source`] has been read to its end once, so a damaged one has been refused before its first record
//! is handed out; after that it can be read again as often as needed, in flat memory. What the text means
//! is not this room's business.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Cursor, Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use flate2::bufread::MultiGzDecoder;

const CHUNK: usize = 64 * 1024;
const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];
const BYTE_ORDER_MARK: [u8; 3] = [0xef, 0xbb, 0xbf];

/// Decompressed text without its byte order mark.
pub type Text = Box<dyn BufRead + Send>;

/// A whole file that cannot be imported: nothing of it has been let in.
#[derive(Debug, thiserror::Error)]
#[error("{file}: {problem}")]
pub struct ContainerError {
    /// The file as the caller named it.
    pub file: String,
    /// What is wrong with it.
    #[source]
    pub problem: Problem,
}

/// Why a whole file is refused.
#[derive(Debug, thiserror::Error)]
pub enum Problem {
    /// Nothing exists at the path.
    #[error("no such file")]
    Missing,
    /// The path is a directory.
    #[error("is a directory")]
    Directory,
    /// The machine could not read it.
    #[error("cannot be read: {0}")]
    Io(#[source] io::Error),
    /// Cut short, followed by something else, or with a checksum that does not match.
    #[error("damaged gzip: {0}")]
    Gzip(#[source] io::Error),
    /// The name ends in `.gz`, the content is something else.
    #[error("is named .gz but is not gzip")]
    NotGzip,
    /// The decompressed text is not UTF-8.
    #[error("not UTF-8 at byte {byte}, on line {line}")]
    NotUtf8 {
        /// Offset from 0 in the decompressed text.
        byte: u64,
        /// Line from 1 in the decompressed text.
        line: u64,
    },
    /// There is not one line that is not blank.
    #[error("empty: no header line")]
    Empty,
    /// The header line does not fit the table.
    #[error("header line: {0}")]
    Header(String),
    /// The file is not one of the exchange's, or does not say of what it is.
    #[error("{0}")]
    Exchange(String),
}

/// A file that proved sound from end to end, and can be read any number of times.
#[derive(Clone, Debug)]
pub struct Source {
    name: String,
    file: Arc<Mutex<File>>,
    bytes: u64,
    consumed: Arc<AtomicU64>,
    gzip: bool,
}

impl Source {
    /// Opens `path` (`-` is standard input) and reads it through once.
    ///
    /// What cannot be read twice, standard input or a pipe, is spooled to an unnamed temporary file, as it came
    /// (compressed text stays compressed).
    pub fn open(path: &Path) -> Result<Self, ContainerError> {
        let stdin = path.as_os_str() == "-";
        let name = if stdin { "standard input".to_owned() } else { path.display().to_string() };
        let file = if stdin { spool(&mut io::stdin().lock()) } else { open_file(path) };
        file.and_then(|file| Self::sound(name.clone(), file, path))
            .map_err(|problem| ContainerError { file: name, problem })
    }

    fn sound(name: String, file: File, path: &Path) -> Result<Self, Problem> {
        let bytes = file.metadata().map_err(Problem::Io)?.len();
        let mut source =
            Self { name, file: Arc::new(Mutex::new(file)), bytes, consumed: Arc::default(), gzip: false };
        let mut magic = Vec::new();
        source.handle().take(GZIP_MAGIC.len() as u64).read_to_end(&mut magic).map_err(Problem::Io)?;
        // No UTF-8 text begins with these two bytes, so they decide and the name only adds a complaint.
        source.gzip = magic == GZIP_MAGIC;
        let named_gz = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("gz"));
        if named_gz && !source.gzip {
            return Err(Problem::NotGzip);
        }
        source.check()?;
        Ok(source)
    }

    /// The file as the caller named it, or `standard input`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Bytes of the underlying file, compressed when it is.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// How many of [`Source::bytes`] the latest pass has read, counting what it has read ahead.
    pub fn consumed(&self) -> u64 {
        self.consumed.load(Ordering::Relaxed)
    }

    /// The text from its start. Passes are independent of each other.
    pub fn text(&self) -> Result<Text, ContainerError> {
        let mut text = self.decoded();
        let mut head = Vec::new();
        text.by_ref()
            .take(BYTE_ORDER_MARK.len() as u64)
            .read_to_end(&mut head)
            .map_err(|error| self.error(error))?;
        Ok(if head == BYTE_ORDER_MARK { text } else { Box::new(Cursor::new(head).chain(text)) })
    }

    /// The error of this file that `error` stands for.
    pub fn error(&self, error: io::Error) -> ContainerError {
        self.refuse(self.problem(error))
    }

    /// `problem` under this file's name.
    pub fn refuse(&self, problem: Problem) -> ContainerError {
        ContainerError { file: self.name.clone(), problem }
    }

    /// Reads to the end: gzip members with their checksums, and UTF-8.
    fn check(&self) -> Result<(), Problem> {
        let mut text = self.decoded();
        let mut pending = Vec::with_capacity(CHUNK + 4);
        let (mut byte, mut line) = (0, 1);
        loop {
            let chunk = text.fill_buf().map_err(|error| self.problem(error))?;
            let read = chunk.len();
            pending.extend_from_slice(chunk);
            text.consume(read);
            // A character may be cut by the end of the chunk: its beginning waits for the next one.
            let (valid, broken) = match std::str::from_utf8(&pending) {
                Ok(_) => (pending.len(), false),
                Err(error) => (error.valid_up_to(), error.error_len().is_some()),
            };
            byte += valid as u64;
            line += newlines(&pending[..valid]);
            if broken || (read == 0 && valid < pending.len()) {
                return Err(Problem::NotUtf8 { byte, line });
            }
            if read == 0 {
                return Ok(());
            }
            pending.drain(..valid);
        }
    }

    fn problem(&self, error: io::Error) -> Problem {
        use io::ErrorKind::{InvalidData, InvalidInput, UnexpectedEof};
        let decoder = matches!(error.kind(), InvalidData | InvalidInput | UnexpectedEof);
        if self.gzip && decoder && error.raw_os_error().is_none() {
            Problem::Gzip(error)
        } else {
            Problem::Io(error)
        }
    }

    fn decoded(&self) -> Text {
        let raw = BufReader::with_capacity(CHUNK, self.handle());
        if self.gzip {
            Box::new(BufReader::with_capacity(CHUNK, MultiGzDecoder::new(raw)))
        } else {
            Box::new(raw)
        }
    }

    fn handle(&self) -> Handle {
        Handle {
            file: Arc::clone(&self.file),
            consumed: Arc::clone(&self.consumed),
            bytes: self.bytes,
            at: 0,
        }
    }
}

fn open_file(path: &Path) -> Result<File, Problem> {
    let mut file = File::open(path).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => Problem::Missing,
        io::ErrorKind::IsADirectory => Problem::Directory,
        _ => Problem::Io(error),
    })?;
    let kind = file.metadata().map_err(Problem::Io)?.file_type();
    if kind.is_dir() {
        Err(Problem::Directory)
    } else if kind.is_file() {
        Ok(file)
    } else {
        spool(&mut file)
    }
}

fn spool(from: &mut impl Read) -> Result<File, Problem> {
    let mut file = tempfile::tempfile().map_err(Problem::Io)?;
    io::copy(from, &mut file).map_err(Problem::Io)?;
    Ok(file)
}

fn newlines(bytes: &[u8]) -> u64 {
    bytes.iter().map(|byte| u64::from(*byte == b'\n')).sum()
}

/// One pass over the shared file. All passes keep the file that was checked open, whatever happens to its
/// name, each keeps its own place in it, and none reads what was appended since.
struct Handle {
    file: Arc<Mutex<File>>,
    consumed: Arc<AtomicU64>,
    bytes: u64,
    at: u64,
}

impl Read for Handle {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        file.seek(SeekFrom::Start(self.at))?;
        let left = self.bytes - self.at;
        let room = buffer.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        let read = file.read(&mut buffer[..room])?;
        if read == 0 && room > 0 {
            return Err(io::Error::other("it became shorter while it was read"));
        }
        self.at += read as u64;
        self.consumed.store(self.at, Ordering::Relaxed);
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
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
        Source::sound(name.to_owned(), file, Path::new(name))
    }

    fn read(source: &Source) -> String {
        let mut text = String::new();
        source.text().expect("text").read_to_string(&mut text).expect("sound text");
        text
    }

    /// A reader that stops after the first gzip member loses the rest of the file and says nothing.
    #[test]
    fn members_are_one_text_and_passes_do_not_disturb_each_other() {
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

    /// Every damage is found before the first record, not when the damaged place is reached.
    #[test]
    fn damaged_gzip_is_refused_as_a_whole() {
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

    /// A checker that validates chunk by chunk refuses characters that lie across two chunks, or forgets a cut one.
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

    /// The passes have to see what was checked, or say that they cannot.
    #[test]
    fn a_file_that_changes_after_the_check_is_no_surprise() {
        let source = open("a.csv", b"a,b\n").expect("sound");
        let resize = |bytes| source.file.lock().expect("no panic").set_len(bytes);
        resize(100).expect("disk");
        assert_eq!(read(&source), "a,b\n");
        resize(2).expect("disk");
        let cut = source.text().map(|_| ()).expect_err("it is cut");
        assert!(matches!(cut.problem, Problem::Io(_)), "{cut}");
    }

    #[test]
    fn what_is_no_file_is_named() {
        let directory = tempfile::tempdir().expect("a directory");
        let refused = Source::open(directory.path()).expect_err("a directory");
        assert!(matches!(refused.problem, Problem::Directory), "{refused}");
        let refused = Source::open(&directory.path().join("absent.csv")).expect_err("nothing");
        assert!(refused.to_string().ends_with("absent.csv: no such file"), "{refused}");
    }
}
