//! What the user means by a side.

use std::path::Path;

use crate::baseline::{BaselineError, Folder, is_baseline};
use crate::cli::CliError;
use crate::compare::Source;

/// The run directory or baseline at this path, else the baseline of this name in [`crate::baseline::FOLDER`].
///
/// # Errors
/// Where it is neither, with what is near; the errors of [`Source::open`].
pub(in crate::cli) fn open(side: &Path) -> Result<Source, CliError> {
    let folder = Folder::default();
    let name = side.to_str().filter(|text| !text.contains('/'));
    if is_baseline(side) || side.join("cells").is_dir() || side.join("run.json").is_file() {
        return Ok(Source::open(side)?);
    }
    let (Some(name), false) = (name, side.is_dir()) else {
        let message = format!("{} is neither a run directory nor a baseline", side.display());
        let hint = "`kobench run --out DIR` writes run directories, `kobench baseline list` shows baselines";
        return Err(CliError::usage(message, hint));
    };
    match folder.find(name) {
        Ok(path) => Ok(Source::open(&path)?),
        Err(BaselineError::BadName { .. }) => {
            let message = format!("`{name}` is neither a run directory nor the name of a baseline");
            Err(CliError::usage(message, "`kobench baseline list` shows baselines"))
        }
        Err(error) => Err(error.into()),
    }
}
