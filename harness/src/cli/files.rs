//! Files that commands write beside what they print.

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use super::CliError;
use crate::hint::{Hint, io_hint};

/// A file that cannot be written.
#[derive(Debug, thiserror::Error)]
#[error("cannot write {}: {source}", path.display())]
struct OutputError {
    path: PathBuf,
    flags: &'static str,
    source: io::Error,
}

impl Hint for OutputError {
    fn hint(&self) -> Option<String> {
        io_hint(&self.source, self.flags)
    }
}

/// Writes a file, whole or not at all; its folders are made. `flags` are the options that name it, for the hint.
///
/// # Errors
/// Whatever the operating system has against it; then an older file is as it was.
pub(super) fn write(path: &Path, text: &str, flags: &'static str) -> Result<(), CliError> {
    let failed = |source| OutputError { path: path.to_owned(), flags, source };
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    let write = || -> io::Result<()> {
        // Where a file stands in its way the system says that it exists, which would puzzle.
        fs::create_dir_all(folder).map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => io::ErrorKind::NotADirectory.into(),
            _ => error,
        })?;
        // Other users of a build server read it: as open as the process's mask lets it be.
        let mut file = tempfile::Builder::new()
            .permissions(fs::Permissions::from_mode(0o666))
            .tempfile_in(folder)?;
        file.write_all(text.as_bytes())?;
        file.as_file().sync_all()?;
        file.persist(path).map(drop).map_err(|error| error.error)
    };
    Ok(write().map_err(failed)?)
}
