//! A disk that is soon full: a small file system in memory, where this process may mount one.

use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A file system of its own, removed with this process.
pub struct SmallDisk {
    path: PathBuf,
}

impl SmallDisk {
    /// Mounts one of so many MiB, or returns why that is not possible.
    pub fn of(size: u32) -> Result<Self, String> {
        let folder = tempfile::Builder::new().prefix("thermocline-disk-").tempdir();
        let path = folder.map_err(|error| error.to_string())?.keep();
        let size = format!("size={size}m,mode=0755");
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", &size, "tmpfs"]).arg(&path).output();
        let disk = Self { path };
        match mounted {
            Ok(output) if output.status.success() => {}
            Ok(output) => return Err(String::from_utf8_lossy(&output.stderr).trim().to_owned()),
            Err(error) => return Err(format!("mount: {error}")),
        }
        disk.guard()?;
        Ok(disk)
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Uses up all but so many KiB.
    pub fn fill(&self, left: u64) {
        self.clear();
        let free = self.free();
        assert!(free > left, "{free} KiB are free");
        let block = format!("count={}", free - left);
        let ballast = format!("of={}", self.ballast().display());
        let filled = Command::new("dd").args(["if=/dev/zero", "bs=1024", &block, &ballast]).output();
        assert!(filled.expect("dd").status.success(), "the ballast fits");
    }

    /// Frees the used space.
    pub fn clear(&self) {
        // The file may not exist yet.
        let _ = std::fs::remove_file(self.ballast());
    }

    fn ballast(&self) -> PathBuf {
        self.path.join("ballast")
    }

    /// Returns the free space in KiB.
    fn free(&self) -> u64 {
        let output = Command::new("df").args(["-k", "-P"]).arg(&self.path).output().expect("df");
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let free = said.lines().nth(1).and_then(|line| line.split_whitespace().nth(3));
        free.and_then(|free| free.parse().ok()).unwrap_or_else(|| panic!("df: {said}"))
    }

    /// Starts a shell that unmounts the disk when this process ends.
    fn guard(&self) -> Result<(), String> {
        let script = "trap '' INT TERM HUP; cat > /dev/null; umount -l \"$0\"; rmdir \"$0\"";
        let mut command = Command::new("sh");
        command.args(["-c", script]).arg(&self.path).stdin(Stdio::piped());
        command.stdout(Stdio::null()).stderr(Stdio::null()).process_group(0);
        let mut guard = command.spawn().map_err(|error| error.to_string())?;
        // Stays open until the process ends.
        std::mem::forget(guard.stdin.take());
        Ok(())
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let unmounted = Command::new("umount").arg("-l").arg(&self.path).output();
        if unmounted.is_ok_and(|output| output.status.success()) {
            let _ = std::fs::remove_dir(&self.path);
        }
    }
}
