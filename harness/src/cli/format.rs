//! Output formats of the listing commands.

use super::CliError;
use std::io::Write;

/// For people, or for scripts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub(super) enum ListFormat {
    /// A table.
    #[default]
    Terminal,
    /// One JSON document.
    Json,
}

/// Writes a document and a line end.
pub(super) fn json(to: &mut dyn Write, document: &serde_json::Value) -> Result<(), CliError> {
    serde_json::to_writer_pretty(&mut *to, document).map_err(|e| CliError::output(e.into()))?;
    writeln!(to).map_err(CliError::output)
}
