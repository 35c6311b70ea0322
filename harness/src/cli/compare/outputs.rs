//! Files that a comparison leaves behind.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use crate::cli::CliError;
use crate::error::Error;
use crate::hint::{Hint, io_hint};

/// A file that cannot be written.
#[derive(Debug, thiserror::Error)]
#[error("cannot write {}: {source}", path.display())]
struct OutputError {
    path: PathBuf,
    source: io::Error,
}

impl Hint for OutputError {
    fn hint(&self) -> Option<String> {
        io_hint(&self.source, "--junit, --markdown or --json")
    }
}

/// Writes a file, whole or not at all.
pub(super) fn write(path: &Path, text: &str) -> Result<(), CliError> {
    let failed = |source| OutputError { path: path.to_owned(), source };
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

/// Adds markdown to the summary of a step of GitHub's workflows, where there is one. It is nobody's request, so that a
/// summary that cannot be written is worth a warning alone.
pub(super) fn step_summary(
    markdown: &dyn Fn() -> Result<String, Error>,
    messages: &mut dyn Write,
) -> Result<(), Error> {
    let Some(path) = std::env::var_os("GITHUB_STEP_SUMMARY").filter(|path| !path.is_empty()) else {
        return Ok(());
    };
    let path = PathBuf::from(path);
    let text = markdown()?;
    let appended = OpenOptions::new()
        .create(true)
        .append(true)
        .open(&path)
        .and_then(|mut file| file.write_all(format!("{text}\n").as_bytes()));
    if let Err(error) = appended {
        writeln!(messages, "warning: cannot add to {}: {error}", path.display())?;
    }
    Ok(())
}
