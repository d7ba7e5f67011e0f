//! The file of rejected records, so that they can be corrected and imported again.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

/// A CSV file `file,line,reason,raw`, created at the first rejected record.
#[derive(Debug)]
pub struct RejectsFile {
    path: PathBuf,
    file: Option<BufWriter<File>>,
    count: u64,
}

impl RejectsFile {
    /// Returns a file at `path`, whose former content is replaced at the first rejected record.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), file: None, count: 0 }
    }

    /// Creates the file. Its lines hold what others wrote, so nobody else may read it.
    fn create(&self) -> io::Result<File> {
        let mut options = File::options();
        options.write(true).create(true).truncate(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        options.open(&self.path)
    }

    /// Writes one rejected record.
    pub fn add(&mut self, file: &str, line: u64, reason: &str, raw: &str) -> io::Result<()> {
        if self.file.is_none() {
            let mut created = BufWriter::new(self.create()?);
            created.write_all(b"file,line,reason,raw\n")?;
            self.file = Some(created);
        }
        if let Some(out) = &mut self.file {
            let [file, reason, raw] = [file, reason, raw].map(quoted);
            writeln!(out, "{file},{line},{reason},{raw}")?;
            self.count += 1;
        }
        Ok(())
    }

    /// Returns how many records were rejected.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Returns the path of the file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes out buffered records. Dropping the value does so too, but without reporting errors.
    pub fn flush(&mut self) -> io::Result<()> {
        self.file.as_mut().map_or(Ok(()), BufWriter::flush)
    }
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::super::csv::RecordReader;
    use super::*;

    #[test]
    fn rejects_are_read_back_unchanged() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("rejects.csv");
        let mut rejects = RejectsFile::new(&path);
        rejects.flush().expect("nothing to do");
        assert!(!path.exists(), "nothing was rejected");
        let raw = "1,\"a \"\"b\"\"\r\nc\"";
        rejects.add("a, b.csv", 7, "id: \"x\"", raw).expect("disk");
        rejects.flush().expect("disk");
        assert_eq!(rejects.count(), 1);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = path.metadata().expect("the file").permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
        let text = std::fs::read(&path).expect("the file");
        let mut reader = RecordReader::new(Box::new(io::Cursor::new(text)));
        reader.read().expect("memory").expect("the header");
        let record = reader.read().expect("memory").expect("the reject");
        let fields: Vec<_> = record.fields().collect();
        assert_eq!(fields, ["a, b.csv", "7", "id: \"x\"", raw]);
    }
}
