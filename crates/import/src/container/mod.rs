//! The container of an import: a file, a pipe or standard input, plain or gzip.
//!
//! A [`Source`] is read to its end once when it is opened: a damaged file is rejected before its first record is read. After
//! that it can be read any number of times, in bounded memory.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Cursor, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use flate2::bufread::MultiGzDecoder;

mod big5;
mod problem;
#[cfg(test)]
mod tests;

pub use problem::{ContainerError, Problem};

const CHUNK: usize = 64 * 1024;
const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];
const BYTE_ORDER_MARK: [u8; 3] = [0xef, 0xbb, 0xbf];

/// Decompressed text without its byte order mark.
pub type Text = Box<dyn BufRead + Send>;

/// A file that was read without an error from end to end.
#[derive(Clone, Debug)]
pub struct Source {
    name: String,
    file: Arc<Mutex<File>>,
    bytes: u64,
    consumed: Arc<AtomicU64>,
    gzip: bool,
    /// Whether the text is Big5, which is read as UTF-8.
    big5: bool,
}

impl Source {
    /// Opens `path` (`-` is standard input) and reads it through once.
    ///
    /// Standard input and pipes, which cannot be read twice, are copied to an unnamed temporary file; compressed text stays
    /// compressed. With `or_big5`, text that is not UTF-8 may be Big5.
    pub fn open(path: &Path, or_big5: bool) -> Result<Self, ContainerError> {
        let stdin = path.as_os_str() == "-";
        let name = if stdin { "standard input".to_owned() } else { path.display().to_string() };
        let file = if stdin { spool(&mut io::stdin().lock()) } else { open_file(path) };
        file.and_then(|file| Self::checked(name.clone(), file, path, or_big5))
            .map_err(|problem| ContainerError { file: name, problem })
    }

    fn checked(name: String, file: File, path: &Path, or_big5: bool) -> Result<Self, Problem> {
        let bytes = file.metadata().map_err(Problem::Io)?.len();
        let (file, consumed) = (Arc::new(Mutex::new(file)), Arc::default());
        let mut source = Self { name, file, bytes, consumed, gzip: false, big5: false };
        let mut magic = Vec::new();
        source.handle().take(GZIP_MAGIC.len() as u64).read_to_end(&mut magic).map_err(Problem::Io)?;
        // No UTF-8 text begins with these two bytes, so they decide; the name can only disagree.
        source.gzip = magic == GZIP_MAGIC;
        let named_gz = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("gz"));
        if named_gz && !source.gzip {
            return Err(Problem::NotGzip);
        }
        match source.check() {
            Err(Problem::NotUtf8 { byte, line }) if or_big5 => {
                source.big5 = true;
                // If it is neither, the place where it stops being UTF-8 tells more.
                source.check().map_err(|_| Problem::NotUtf8 { byte, line })?;
            }
            checked => checked?,
        }
        Ok(source)
    }

    /// Returns the file as the caller named it, or `standard input`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the bytes of the underlying file, compressed if it is.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Returns how many of [`Source::bytes`] the latest pass has read, read-ahead included.
    pub fn consumed(&self) -> u64 {
        self.consumed.load(Ordering::Relaxed)
    }

    /// Returns the text from its start. Passes are independent of each other.
    pub fn text(&self) -> Result<Text, ContainerError> {
        let mut text = self.decoded();
        let mut head = Vec::new();
        text.by_ref()
            .take(BYTE_ORDER_MARK.len() as u64)
            .read_to_end(&mut head)
            .map_err(|error| self.error(error))?;
        Ok(if head == BYTE_ORDER_MARK { text } else { Box::new(Cursor::new(head).chain(text)) })
    }

    /// Returns `error` as an error of this file.
    pub fn error(&self, error: io::Error) -> ContainerError {
        self.reject(self.problem(error))
    }

    /// Returns `problem` under this file's name.
    pub fn reject(&self, problem: Problem) -> ContainerError {
        ContainerError { file: self.name.clone(), problem }
    }

    /// Reads to the end, which checks UTF-8 and the checksum of every gzip member.
    fn check(&self) -> Result<(), Problem> {
        let mut text = self.decoded();
        let mut pending = Vec::with_capacity(CHUNK + 4);
        let (mut byte, mut line) = (0, 1);
        loop {
            let chunk = text.fill_buf().map_err(|error| self.problem(error))?;
            let read = chunk.len();
            pending.extend_from_slice(chunk);
            text.consume(read);
            // The end of a chunk may cut a character, whose beginning waits for the next chunk.
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
        let text: Text = if self.gzip {
            Box::new(BufReader::with_capacity(CHUNK, MultiGzDecoder::new(raw)))
        } else {
            Box::new(raw)
        };
        if self.big5 { Box::new(big5::Decoded::new(text)) } else { text }
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
    let fault = |error| Problem::Spool { folder: std::env::temp_dir(), error };
    let mut file = tempfile::tempfile().map_err(fault)?;
    let mut buffer = vec![0; CHUNK];
    loop {
        let read = from.read(&mut buffer).map_err(Problem::Io)?;
        if read == 0 {
            break;
        }
        file.write_all(&buffer[..read]).map_err(fault)?;
    }
    Ok(file)
}

fn newlines(bytes: &[u8]) -> u64 {
    bytes.iter().map(|byte| u64::from(*byte == b'\n')).sum()
}

/// One pass over the shared file. All passes read the file that was checked, even if its name is taken by another; each has
/// its own position, and none reads what was appended after the check.
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
            return Err(io::Error::other("the file became shorter while it was read"));
        }
        self.at += read as u64;
        self.consumed.store(self.at, Ordering::Relaxed);
        Ok(read)
    }
}
