//! The file of a database, and whether it is still there.

use std::collections::HashMap;
use std::fs::{File, Metadata};
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError, Weak};

/// The first bytes of every database.
const MAGIC: [u8; 16] = *b"SQLite format 3\0";

/// The files that are open, by their identity.
static OPEN: Mutex<Option<HashMap<Id, Weak<File>>>> = Mutex::new(None);

/// The identity of a file, which a file of the same name that takes its place does not have: its device and number.
type Id = (u64, u64);

/// A file that connections have open.
///
/// A process that closes any descriptor of a file loses all its locks of it (POSIX), those of SQLite's connections too, and other
/// processes then take the database for unused. So all connections to a file share one descriptor beside their own, which is
/// closed after the last of them.
#[derive(Clone, Debug)]
pub(super) struct DatabaseFile {
    id: Id,
    descriptor: Arc<File>,
}

impl DatabaseFile {
    /// Opens the file at `path`, unless it is open.
    pub fn open(path: &Path) -> io::Result<Self> {
        let mut open = OPEN.lock().unwrap_or_else(PoisonError::into_inner);
        let open = open.get_or_insert_default();
        open.retain(|_, file| file.strong_count() > 0);
        let id = id(path, &std::fs::metadata(path)?);
        if let Some(descriptor) = open.get(&id).and_then(Weak::upgrade) {
            return Ok(Self { id, descriptor });
        }
        let descriptor = Arc::new(File::open(path)?);
        if self::id(path, &descriptor.metadata()?) != id {
            return Err(replaced());
        }
        open.insert(id, Arc::downgrade(&descriptor));
        Ok(Self { id, descriptor })
    }

    /// Checks that this is still the file at `path`, and a database.
    pub fn check(&self, path: &Path) -> io::Result<()> {
        if id(path, &std::fs::metadata(path)?) != self.id {
            return Err(replaced());
        }
        let mut start = [0; MAGIC.len()];
        read_start(&self.descriptor, &mut start).map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => io::Error::other("the database was truncated"),
            _ => error,
        })?;
        if start != MAGIC {
            return Err(io::Error::other("the file is no database any more"));
        }
        Ok(())
    }
}

fn replaced() -> io::Error {
    io::Error::other("another file has taken the place of the database")
}

#[cfg(unix)]
fn id(_: &Path, metadata: &Metadata) -> Id {
    use std::os::unix::fs::MetadataExt as _;
    (metadata.dev(), metadata.ino())
}

/// Elsewhere an open file cannot be replaced, and its path is as good as a number.
#[cfg(not(unix))]
fn id(path: &Path, _: &Metadata) -> Id {
    use std::hash::{DefaultHasher, Hash as _, Hasher as _};
    let mut hasher = DefaultHasher::new();
    path.hash(&mut hasher);
    (0, hasher.finish())
}

#[cfg(unix)]
fn read_start(file: &File, start: &mut [u8]) -> io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, start, 0)
}

#[cfg(not(unix))]
fn read_start(mut file: &File, start: &mut [u8]) -> io::Result<()> {
    use std::io::{Read as _, Seek as _};
    file.rewind()?;
    file.read_exact(start)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    /// Returns the locks of this process on a file, as the kernel lists them.
    fn locks(path: &Path) -> Vec<String> {
        let (_, number) = id(path, &std::fs::metadata(path).expect("is there"));
        let (process, file) = (format!(" {} ", std::process::id()), format!(":{number} "));
        let all = std::fs::read_to_string("/proc/locks").expect("a list");
        let of_file = all.lines().filter(|line| line.contains(&process) && line.contains(&file));
        of_file.filter_map(|line| line.split_once(": ")).map(|(_, lock)| lock.to_owned()).collect()
    }

    #[test]
    fn a_check_leaves_the_locks_of_connections() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("file.db");
        let file = || DatabaseFile::open(&path).expect("opens");
        let connection = rusqlite::Connection::open(&path).expect("opens");
        connection.execute_batch("PRAGMA journal_mode = wal; CREATE TABLE t (x INT)").expect("is created");
        let before = locks(&path);
        assert!(!before.is_empty(), "a connection holds a lock");
        let first = file();
        for _ in 0..2 {
            file().check(&path).expect("is a database");
            first.check(&path).expect("is a database");
            assert_eq!(locks(&path), before);
        }
        drop((connection, first));
        assert_eq!(locks(&path), Vec::<String>::new());
    }
}
