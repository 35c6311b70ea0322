//! Files that a comparison leaves behind.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::{Path, PathBuf};

use crate::cli::{CliError, files};
use crate::error::Error;

/// Writes a file, whole or not at all.
pub(super) fn write(path: &Path, text: &str) -> Result<(), CliError> {
    files::write(path, text, "--junit, --markdown or --json")
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
